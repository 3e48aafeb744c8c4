/* SPDX-License-Identifier: Apache-2.0
 * Which start of the station this is: see epoch.h. */
#include "station/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/file.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "station/store/persist.h"

static int find_epoch(void *context, void *record)
{
	const struct meta_row *row = record;
	if (strcmp(row->name, "epoch") == 0)
		*(int64_t *)context = strtoll(row->value, NULL, 10);
	return 0;
}

static char *witness_path(const struct station *s)
{
	return must_format("%s/epoch", s->directory);
}

/* 0: there is none yet. */
static int read_witness(const struct station *s, int64_t *epoch, struct err *e)
{
	struct err why = { 0 };
	char *path = witness_path(s), *text = *s->directory ? file_read(path, 40, NULL, &why) : NULL;
	int rc = why.code == E_NOT_FOUND ? 0 : why.code;
	if (rc != 0)
		*e = why;
	*epoch = text ? strtoll(text, NULL, 10) : 0;
	free(text);
	free(path);
	return rc;
}

int epoch_begin(struct station *s, struct store_tx *tx, struct err *e)
{
	int64_t known = 0, seen = 0;
	char text[24];
	int rc = s->store->impl->scan(s->store, &meta_kind, find_epoch, &known, e);
	if (rc == 0)
		rc = read_witness(s, &seen, e);
	if (rc != 0)
		return rc;
	s->restored = known > 0 && known < seen;
	s->epoch = (known > seen ? known : seen) + 1;
	s->sequence_next = s->audit_next = s->epoch << 32;
	snprintf(text, sizeof text, "%lld", (long long)s->epoch);
	persist_meta(tx, "epoch", text);
	if (s->restored) {
		log_warn(
		    "the database is older than the last start of this station: it was put back from a copy; mails that may be "
		    "answered and sessions count no more");
		audit_write(s, tx, NULL, "restored", "station", NULL, NULL, NULL,
		            "An older database was put back: tokens of mails and sessions were voided.");
	}
	return 0;
}

int epoch_witness(const struct station *s, struct err *e)
{
	char text[24];
	if (!*s->directory)
		return 0;
	char *path = witness_path(s);
	int n = snprintf(text, sizeof text, "%lld\n", (long long)s->epoch);
	int rc = file_write(path, text, (size_t)n, 0600, FILE_REPLACE, e);
	free(path);
	return rc;
}
