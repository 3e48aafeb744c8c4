/* SPDX-License-Identifier: Apache-2.0
 * An examination of a mail server: one connection that goes through all steps as an account would, in lock-step, says
 * each line, and stops at the first that fails. The login is sent only over TLS that is trusted, unless it may go in
 * clear. All calls and callbacks on the loop's thread. */
#ifndef BELFRY_EMAIL_EXAMINATION_H
#define BELFRY_EMAIL_EXAMINATION_H

#include "services/email/doctor/exam_dialogue.h"
#include "services/email/wire/mail_server.h"

/* What is examined. Freed with exam_target_clear. */
struct exam_target {
	const struct exam_dialogue *dialogue;
	struct mail_server server;        /* owned; its timeout is for each step; SASL_NOBODY: it ends before the login */
	char name[256];                   /* of this machine, for EHLO; "": the address of our end */
	char sender[256], recipient[256]; /* SMTP: recipient "": no mail is begun */
	char *content;                    /* owned: a mail for the recipient; NULL: it is only asked whether it would go */
};
void exam_target_clear(struct exam_target *t);

struct exam_report {
	const struct exam_dialogue *dialogue;
	int port;
	enum mail_security security;
	enum exam_step step; /* the last one; with err.code 0 that is EXAM_QUIT */
	unsigned taken;      /* bits 1 << step: those that have succeeded */
	struct err err;
	char reply[400]; /* what the server said last, as it stands in sentences */
	bool secure, logged_in;
	bool held_back; /* the login was not sent, for want of TLS */
	char tls_version[16], cipher[64];
	struct exam_offers clear, offers; /* before STARTTLS; the last ones */
	struct trust_verdict verdict;     /* seen: a certificate was shown. Owned; without its snapshot */
};
/* Frees what it holds. */
void exam_report_clear(struct exam_report *r);

struct exam_events {
	void (*said)(void *context, enum line_direction direction, const char *text);
	/* Last call; report is taken. */
	void (*done)(void *context, struct exam_report *report);
};
struct examination;
/* Starts; takes what target holds. Never calls back from within. */
struct examination *exam_start(uv_loop_t *loop, struct exam_target *target, const struct exam_events *events,
                               void *context);
/* Ends it without another callback; *x may be NULL, and is NULL afterwards. Not after `done`. */
void exam_cancel(struct examination **x);

#endif
