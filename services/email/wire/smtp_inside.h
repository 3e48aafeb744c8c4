/* SPDX-License-Identifier: Apache-2.0
 * The seam between the two halves of the SMTP dialogue: smtp.c (up to the login) and smtp_mail.c (mail transactions).
 * Net thread. */
#ifndef BELFRY_EMAIL_SMTP_INSIDE_H
#define BELFRY_EMAIL_SMTP_INSIDE_H

#include "services/email/wire/smtp.h"

/* Sends a command line; shown is what the transcript says instead, NULL: the same. */
void smtp_command(struct smtp *s, const char *shown, const char *format, ...) __attribute__((format(printf, 3, 4)));
void smtp_fail(struct smtp *s, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A reply during mail transactions. */
void smtp_mail_replied(struct smtp *s);
/* What is being waited for there, for the ledger: "MAIL", "RCPT", "DATA", ".". */
const char *smtp_mail_stage(const struct smtp *s);
/* The connection is over: every message goes back by finished(). */
void smtp_mail_give_back(struct smtp *s, const struct err *e);

#endif
