/* SPDX-License-Identifier: Apache-2.0
 * Did the mail come from the domain that it claims? The receiving provider has judged that and noted it in a field
 * Authentication-Results (RFC 8601); anybody can write such a field too. So only the topmost one counts that bears the
 * provider's own id, and only above every Received of somebody else. DMARC that passes, or DKIM that passes for the domain
 * of the From or one above it; SPF alone never. Pure: any thread. */
#ifndef BELFRY_EMAIL_AUTHENTICITY_H
#define BELFRY_EMAIL_AUTHENTICITY_H

#include "station/type/field.h"

enum authenticity {
	AUTHENTIC,        /* DMARC or aligned DKIM passed */
	AUTHENTIC_NOT,    /* the provider has judged, and neither passed */
	AUTHENTIC_UNKNOWN /* nobody whom we believe has judged */
};
/* The field that counts: the topmost Authentication-Results with that id, borrowed of trace; NULL: none does. */
const char *authenticity_field(const struct list *trace, const char *id);
/* trace: as parsed_mail has it. id: the provider's authserv-id; empty: nobody is believed. domain: of the From address. */
enum authenticity authenticity_judge(const struct list *trace, const char *id, const char *domain);

#endif
