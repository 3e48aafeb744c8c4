/* SPDX-License-Identifier: Apache-2.0
 * How outgoing alarm mails ask for an answer: each gets a token while an EmailAlarmAcknowledger is enabled. Engine thread. */
#ifndef BELFRY_EMAIL_ACKNOWLEDGER_H
#define BELFRY_EMAIL_ACKNOWLEDGER_H

#include "services/email/ack/ack_token.h"
#include "services/email/email_inside.h"

/* Gives a new mail (with its deliveries) its token, when somebody listens for answers. sequence: of the alarm. */
void ack_offer(struct station *s, struct outgoing *o, int64_t sequence, struct store_tx *tx);
/* The token of a mail, "" when it has none. Goes into the message only, never into a log or an answer of REST; the caller
 * wipes it. */
void ack_token_of_mail(struct station *s, const struct mail_record *m, char token[ACK_TOKEN_LENGTH + 1]);
/* Owned: the Message-ID that the mail bears on the wire (token in it, when there is one), without <>. */
char *ack_message_id(const struct mail_record *m, const char *token);
/* Owned: where answers go: the address, with the token behind a + where the provider keeps that. */
char *ack_reply_address(struct station *s, const char *address, const char *token);

/* An account has other settings: is what is known of Authentication-Results still about it? */
void ack_accounts_changed(struct station *s);

/* While an answer is carried out: will the confirmation go to this address? Then it needs no other mail about it. */
bool ack_tells(struct station *s, const char *address);

/* For the link in a mail. May this peer ask now (counted, at most so often in a minute)? Is the link enough without login? Which
 * user has this mail address and may act now? */
bool ack_listens(struct station *s); /* may alarm mails be answered? */
bool ack_may_ask(struct station *s, const char *from);
bool ack_link_allowed(struct station *s, const char *alarm); /* alarm: its uuid */
bool ack_user_of(struct station *s, const char *address, struct actor *out);
/* Owned: the link of a mail, "" when there is none. */
char *ack_link_of(struct station *s, const char *token);

#endif
