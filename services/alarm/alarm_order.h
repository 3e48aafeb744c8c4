/* SPDX-License-Identifier: Apache-2.0
 * Orders on alarms inside of the alarm service (see station/alarm/alarm_desk.h for what they are), and the shelf. Engine thread. */
#ifndef BELFRY_ALARM_ORDER_H
#define BELFRY_ALARM_ORDER_H

#include "services/alarm/alarm_inside.h"

/* alarm_order.c. May this be done to that alarm? r NULL: one that is not open. 0 or a code with a sentence (e may be NULL).
 * Notes are for cleared ones too. alarm_order_give does what was checked; done may be NULL. */
int alarm_order_check(struct alarm_service *service, const struct alarm_record *r, const struct alarm_order *o,
                      struct err *e);
bool alarm_order_needs_open(const struct alarm_order *o);
void alarm_order_give(struct alarm_service *service, struct open_alarm *alarm, const struct alarm_order *o,
                      struct store_tx *tx, store_done *done, void *context);
extern const struct alarm_desk alarm_desk;

/* alarm_shelf.c. alarm_shelf_look: shelving has changed. */
bool alarm_shelved(const struct alarm_record *r);
void alarm_shelf_init(struct alarm_service *service);
void alarm_shelf_look(struct alarm_service *service);
void alarm_shelf_inherit(struct alarm_service *service, struct alarm_record *r);

#endif
