/* SPDX-License-Identifier: Apache-2.0
 * All types of the station, by name. This and main.c are the only places that may know everybody: a service leaves by
 * deleting its folder and its lines here. Bases come before what is built on them. */
#include "drivers/demo/demo.h"
#include "drivers/driver.h"
#include "drivers/gpio/gpio.h"
#include "services/alarm/alarm.h"
#include "services/audit/audit_service.h"
#include "services/email/email.h"
#include "services/email/oauth/oauth.h"
#include "services/history/history.h"
#include "services/platform/platform.h"
#include "services/schedule/schedule.h"
#include "services/trust/trust.h"
#include "services/user/user.h"
#include "station/control/kit.h"
#include "station/control/point.h"
#include "station/tree/category.h"
#include "station/tree/component.h"
#include "web/web.h"

#define KIT_TYPE(name) &kit_types[KIT_##name],

const struct type *const station_types[] = {
	&baja_component,
	&baja_folder,
	&baja_category_service,
	&baja_category,
	&control_point,
	&control_extension,
	&control_proxy_ext,
	&control_numeric_point,
	&control_numeric_writable,
	&control_boolean_point,
	&control_boolean_writable,
	&control_enum_point,
	&control_enum_writable,
	&control_string_point,
	&control_string_writable,
	KIT_FUNCTIONS(KIT_TYPE) & kit_boolean_delay,
	&kit_numeric_delay,
	&kit_numeric_latch,
	&kit_boolean_latch,
	&kit_enum_latch,
	&kit_string_latch,
	&kit_counter,
	&kit_one_shot,
	&kit_loop_point,
	&alarm_service_type,
	&alarm_class_type,
	&alarm_class_folder_type,
	&alarm_source_ext_type,
	&alarm_out_of_range_ext_type,
	&alarm_boolean_change_of_state_ext_type,
	&audit_service,
	&history_service,
	&history_ext,
	&history_ext_types[0],
	&history_ext_types[1],
	&history_ext_types[2],
	&history_ext_types[3],
	&history_ext_types[4],
	&history_ext_types[5],
	&history_ext_types[6],
	&history_ext_types[7],
	&email_service,
	&email_authenticator,
	&email_basic_authenticator,
	&email_no_authenticator,
	&email_certificate_authenticator,
	&email_oauth_authenticator,
	&email_oauth_client_secret,
	&email_oauth_client_certificate,
	&email_oauth_authorization_code,
	&email_oauth_device_code,
	&email_account_type,
	&email_outgoing_account,
	&email_incoming_account,
	&email_recipient,
	&email_loop_test,
	&email_acknowledger,
	&trust_service,
	&user_service_type,
	&user_type,
	&web_service,
	&driver_network,
	&driver_device,
	&demo_network,
	&demo_device,
	&demo_proxy_ext,
	&gpio_network,
	&gpio_chip_type,
	&gpio_point,
	&platform_service,
	&schedule_service,
	&schedule_boolean,
	&schedule_numeric,
	&schedule_enum,
	&schedule_string,
	&schedule_calendar,
	&schedule_trigger,
	NULL,
};
