/* SPDX-License-Identifier: Apache-2.0
 * JSON Schemas for the bodies and answers of the route tables, put together from string literals. */
#ifndef BELFRY_SCHEMA_H
#define BELFRY_SCHEMA_H

/* clang-format off */
#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define OBJECT_WITH(required, properties)                                                                              \
	"{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define ROW "{\"type\":\"object\"}"
#define ITEMS OBJECT_WITH("\"items\"", "\"items\":{\"type\":\"array\",\"items\":" ROW "}")
/* clang-format on */

#endif
