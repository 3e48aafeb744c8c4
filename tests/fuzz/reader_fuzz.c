/* SPDX-License-Identifier: Apache-2.0
 * Whatever comes as a mail: what the reader's child does with it. It parses, hands out, and what it says is read back. */
#include <stdint.h>
#include <stdlib.h>

#include "services/email/ack/answer.h"
#include "services/email/reader/reader_inside.h"
#include "station/base/must.h"

int reader_fuzz(const uint8_t *data, size_t size);
int reader_fuzz(const uint8_t *data, size_t size)
{
	struct parsed_mail m, again;
	struct err e = { 0 };
	static bool ready;
	if (!ready)
		g_mime_init();
	ready = true;
	if (mail_parse((const char *)data, size, &m, &e) == 0) {
		json_t *json = record_to_json(&parsed_mail_kind, &m);
		must(json && parsed_mail_from_json(json, &again, &e) == 0); /* what the child says is always understood */
		free(answer_line(again.text));
		record_finish(&parsed_mail_kind, &again);
		json_decref(json);
	}
	record_finish(&parsed_mail_kind, &m);
	return 0;
}
