/* SPDX-License-Identifier: Apache-2.0
 * How twelve mail programs answer a mail, in five languages; and mails that no person has written. Placeholders are filled
 * in by mail_fill(). After what these programs send; addresses and names are of the test. */
#ifndef BELFRY_TESTS_MAIL_PROGRAMS_H
#define BELFRY_TESTS_MAIL_PROGRAMS_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* {WORD} what the person wrote, {WROTE} the line in front of the quote, {FROM} the label of the old sender, {QUOTE} the old mail
 * with "> ", {OLD} the same as it is, {HTML} the same as HTML. */
struct mail_program {
	const char *name, *type; /* Content-Type of the body */
	const char *body;
	bool base64;
	const char *extra; /* header fields that it adds */
};

#define ALTERNATIVE(plain, html)                                                                                       \
	"--0000000000001b2c\n"                                                                                             \
	"Content-Type: text/plain; charset=\"UTF-8\"\n"                                                                    \
	"Content-Transfer-Encoding: 8bit\n\n" plain "\n--0000000000001b2c\n"                                               \
	"Content-Type: text/html; charset=\"UTF-8\"\n"                                                                     \
	"Content-Transfer-Encoding: 8bit\n\n" html "\n--0000000000001b2c--\n"
#define IS_ALTERNATIVE "multipart/alternative; boundary=\"0000000000001b2c\""

static const struct mail_program mail_programs[] = {
	{ "Gmail", IS_ALTERNATIVE,
	  ALTERNATIVE(
	      "{WORD}\n\n{WROTE}\n\n{QUOTE}",
	      "<div dir=\"ltr\">{WORD}</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">{WROTE}"
	      "<br></div><blockquote class=\"gmail_quote\">{HTML}</blockquote></div>"),
	  false, NULL },
	{ "Outlook", "text/plain; charset=\"utf-8\"",
	  "{WORD}\r\n\r\n-----Original Message-----\r\n{FROM} Station <alarms@station.example>\r\nSubject: "
	  "Alarm\r\n\r\n{OLD}",
	  true, "X-Mailer: Microsoft Outlook 16.0\nThread-Index: AdZ1\n" },
	{ "Outlook on the web", IS_ALTERNATIVE,
	  ALTERNATIVE(
	      "{WORD}\n________________________________\n{FROM} Station <alarms@station.example>\nSubject: Alarm\n\n{OLD}",
	      "<html><head><style type=\"text/css\" style=\"display:none;\">P {margin-top:0;}</style></head><body "
	      "dir=\"ltr\"><div class=\"elementToProof\">{WORD}</div><hr><div id=\"divRplyFwdMsg\"><b>{FROM}</b> "
	      "Station<br></div><div>{HTML}</div></body></html>"),
	  false, "X-MS-Has-Attach:\nX-MS-TNEF-Correlator:\n" },
	{ "Outlook for iOS", IS_ALTERNATIVE,
	  ALTERNATIVE(
	      "{WORD}\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\n{FROM} Station "
	      "<alarms@station.example>\n\n{OLD}",
	      "<html><body><div>{WORD}</div><div><br></div><div id=\"ms-outlook-mobile-signature\">Get Outlook</div><hr>"
	      "<div>{HTML}</div></body></html>"),
	  false, NULL },
	{ "Apple Mail", "text/plain; charset=utf-8", "{WORD}\n\n> {WROTE}\n> \n{QUOTE}\n", false,
	  "X-Mailer: Apple Mail (2.3774.600.62)\nMime-Version: 1.0 (Mac OS X Mail 16.0)\n" },
	{ "iOS Mail", "text/plain; charset=utf-8",
	  "\xEF\xBB\xBF{WORD}\n\nSent from my iPhone\n\n> {WROTE}\n> \n> \xEF\xBB\xBF\n{QUOTE}\n", true,
	  "X-Mailer: iPhone Mail (20A362)\n" },
	{ "Thunderbird", "text/plain; charset=UTF-8; format=flowed", "{WORD}\n\n{WROTE}\n{QUOTE}\n\n-- \nAnna\n", false,
	  "User-Agent: Mozilla Thunderbird\nContent-Language: en-US\n" },
	{ "K-9 Mail", IS_ALTERNATIVE,
	  ALTERNATIVE(
	      "{WORD}\n\n{WROTE}\n{QUOTE}\n-- \nK-9 Mail",
	      "<html><body>{WORD}<br><br><div class=\"gmail_quote\">{WROTE}<blockquote>{HTML}</blockquote></div></body>"
	      "</html>"),
	  false, "User-Agent: K-9 Mail for Android\n" },
	{ "Yahoo", IS_ALTERNATIVE,
	  ALTERNATIVE(" {WORD}\n\n    {WROTE}  \n \n {OLD}",
	              "<html><body><div class=\"ydp\"><div dir=\"ltr\">{WORD}</div><div><br></div><div "
	              "class=\"yahoo_quoted\">{HTML}"
	              "</div></div></body></html>"),
	  false, "X-Mailer: WebService/1.1.22407 YMailNorrin\n" },
	{ "GMX", "text/html; charset=UTF-8",
	  "<html><head></head><body><div style=\"font-family: Verdana;font-size: "
	  "12.0px;\"><div>{WORD}</div>\n<div>&nbsp;\n<div "
	  "name=\"quote\" style=\"margin:10px 5px 5px 10px;\"><div><b>{FROM}</b>&nbsp;alarms@station.example</div>\n<div "
	  "name=\"quoted-content\">{HTML}</div></div></div></div></body></html>",
	  false, "X-Priority: 3\nSensitivity: Normal\n" },
	{ "Proton Mail", "text/plain; charset=utf-8",
	  "{WORD}\n\nSent with [Proton Mail](https://proton.me/mail/home) secure email.\n\n{WROTE}\n\n{QUOTE}\n", true,
	  NULL },
	{ "mutt", "text/plain; charset=utf-8", "{WROTE}\n\n{QUOTE}\n\n{WORD}\n\n-- \nAnna\n", false,
	  "User-Agent: Mutt/2.2.9 (2022-11-12)\nContent-Disposition: inline\n" },
};

struct mail_language {
	const char *code, *wrote, *from;
	const char *words[12]; /* one for each program */
};
static const struct mail_language mail_languages[] = {
	{ "en",
	  "On Fri, Nov 27, 2026 at 3:00 PM Station <alarms@station.example> wrote:",
	  "From:",
	  { "ACK", "ack", "Ack.", "acknowledge", "Acknowledged", "OK", "confirm", "Ok!", "ack", "Confirmed.", "okay",
	    "ACK" } },
	{ "de",
	  "Am Fr., 27. Nov. 2026 um 15:00 Uhr schrieb Station <alarms@station.example>:",
	  "Von:",
	  { "quittiert", "Quittieren", "QUITTIERT", "best\xC3\xA4tigt", "Best\xC3\xA4tigt.", "ok", "Quittung", "quittiere",
	    "ACK", "best\xC3\xA4tige", "quittiert!", "BEST\xC3\x84TIGT" } },
	{ "fr",
	  "Le ven. 27 nov. 2026 \xC3\xA0 15:00, Station <alarms@station.example> a \xC3\xA9"
	  "crit :",
	  "De :",
	  { "acquitter", "Acquitt\xC3\xA9", "acquitt\xC3\xA9.", "confirmer",
	    "d\xE2\x80\x99"
	    "accord",
	    "D'accord", "ack", "ok", "Confirm\xC3\xA9", "ACQUITTER",
	    "acquitt\xC3\xA9"
	    "e",
	    "acquitte" } },
	{ "es",
	  "El vie, 27 nov 2026 a las 15:00, Station (<alarms@station.example>) escribi\xC3\xB3:",
	  "De:",
	  { "reconocer", "Reconocido", "confirmado", "vale", "De acuerdo", "reconozco", "ack", "Confirmar.", "ok",
	    "RECONOCIDA", "confirmo", "reconocer!" } },
	{ "zh",
	  "Station <alarms@station.example> \xE4\xBA\x8E"
	  "2026\xE5\xB9\xB4"
	  "11\xE6\x9C\x88"
	  "27\xE6\x97\xA5\xE5\x91\xA8\xE4\xBA\x94 15:00\xE5\x86\x99\xE9\x81\x93\xEF\xBC\x9A",
	  "\xE5\x8F\x91\xE4\xBB\xB6\xE4\xBA\xBA:",
	  { "\xE7\xA1\xAE\xE8\xAE\xA4", "\xE6\x94\xB6\xE5\x88\xB0", "\xE7\xA1\xAE\xE8\xAE\xA4\xE3\x80\x82",
	    "\xE7\x9F\xA5\xE9\x81\x93\xE4\xBA\x86", "\xE5\xA5\xBD\xE7\x9A\x84", "ACK",
	    "\xE5\xB7\xB2\xE7\xA1\xAE\xE8\xAE\xA4", "\xE6\x94\xB6\xE5\x88\xB0\xE3\x80\x82", "ok",
	    "\xE7\xA1\xAE\xE8\xAE\xA4", "\xE7\xA1\xAE\xE8\xAE\xA4\xEF\xBC\x81", "\xE6\x94\xB6\xE5\x88\xB0" } },
};

/* Replaces a placeholder everywhere; takes text. Owned by GLib. */
static inline char *mail_fill(char *text, const char *placeholder, const char *with)
{
	char **parts = g_strsplit(text, placeholder, -1), *joined = g_strjoinv(with, parts);
	g_strfreev(parts);
	g_free(text);
	return joined;
}

/* Header fields (and bodies, behind an empty line) of what answers by itself: vacation programs, help desks, phones, lists. */
static const char *const automatic_mails[] = {
	"Auto-Submitted: auto-replied\nX-Auto-Response-Suppress: All\nSubject: Automatic reply: Alarm\n", /* Exchange */
	"Auto-Submitted: auto-replied\nPrecedence: bulk\nX-Autoreply: yes\nSubject: Re: Alarm\n",         /* Gmail */
	"Auto-Submitted: auto-replied (vacation)\nSubject: Auto: Alarm\n",                                /* Sieve */
	"Precedence: junk\nX-Vacation: yes\nSubject: away from my mail\n",                                /* vacation(1) */
	"X-Autorespond: Alarm\nPrecedence: auto_reply\n",                                                 /* cPanel */
	"X-Autoresponse: GMX\nX-Auto-Reply-From: anna@example.com\n",
	"Auto-Submitted: auto-generated\nX-Mail-Autoreply: yes\n",
	"X-POST-MessageClass: 9; Autoresponder\nDelivered-To: Autoresponder\n", /* Lotus */
	"X-FC-MachineGenerated: true\n",                                        /* FirstClass */
	"Auto-Submitted: auto-notified; owner-email=\"anna@example.com\"\n",    /* RFC 5436 */
	"X-Auto-Response-Suppress: DR, OOF, AutoReply\nSubject: Abwesenheitsnotiz: Alarm\n",
	"X-Auto-Response-Suppress: OOF\nSubject: R\xC3\xA9ponse automatique : Alarm\n",
	"Precedence: bulk\nX-Mailer: osTicket Auto-Responder\n",
	"Auto-Submitted: auto-replied\nX-OTRS-Loop: yes\n",
	"Auto-Submitted: auto-replied\nX-Zendesk-From-Account-Id: 1\n",
	"List-Id: duty <duty.example.com>\nPrecedence: list\n",
	"List-Unsubscribe: <https://example.com/u>\n",
	"X-Autogenerated: Reply\n",
	"X-MS-Exchange-Inbox-Rules-Loop: anna@example.com\n",
	"Return-Path: <>\nSubject: Read: Alarm\n",
};

/* Who reports that a mail was not delivered: its From, and the whole Content-Type. */
static const struct {
	const char *from, *fields;
} bouncing[] = {
	{ "MAILER-DAEMON@example.com", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n" },
	{ "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
	  "Content-Type: multipart/report; boundary=b\nX-Failed-Recipients: anna@example.com\n" },
	{ "postmaster@outlook.com", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n" },
	{ "MAILER-DAEMON", "Return-Path: <>\n" },
	{ "Mail Delivery System <Mailer-Daemon@mx.example>",
	  "X-Failed-Recipients: anna@example.com\nAuto-Submitted: auto-replied\n" }, /* Exim */
	{ "anna@example.com", "Return-Path: <>\n" },
	{ "anna@example.com", "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n" },
	{ "no-reply@example.com", "Subject: Undeliverable\n" },
	{ "MAILER-DAEMON@yahoo.com", "X-Autoreply: yes\n" },
	{ "postmaster@example.com", "Subject: Delivery Status Notification (Failure)\n" },
};

#endif
