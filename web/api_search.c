/* SPDX-License-Identifier: Apache-2.0
 * Searching the tree over REST, and the tags that there are to search by. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/tree/search.h"
#include "station/tree/tags.h"
#include "web/request.h"

static void found(void *context, json_t *result)
{
	request_reply_json(context, 200, result);
}

static int count_words(const char *text)
{
	int words = 0;
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		text += strcspn(text, " \t");
		words++;
	}
	return words;
}

static void search(struct request *r)
{
	const char *text = request_query(r, "q"), *cursor = request_query(r, "cursor");
	struct search_question q = { .text = text ? text : "",
		                         .type = request_query(r, "type"),
		                         .tag = request_query(r, "tag"),
		                         .category = request_query(r, "category") };
	char *end = NULL;
	if (cursor)
		q.after = strtoull(cursor, &end, 16);
	if (cursor && (*cursor == '\0' || *end != '\0'))
		request_reply_code(r, E_BAD_REQUEST, "cursor must be the \"next\" of an earlier answer.");
	else if (count_words(q.text) > SEARCH_WORDS_MAX)
		request_reply_code(r, E_BAD_REQUEST, "A search takes at most %d words.", SEARCH_WORDS_MAX);
	else if (request_query_integer(r, "limit", 100, 1, 1000, &q.limit))
		search_start(request_station(r), &q, found, r);
}

static void tags(struct request *r)
{
	request_reply_page(r, tag_defs_to_json(), NULL);
}

const struct route search_routes[] = {
	{ .method = "GET",
	  .pattern = "/tags",
	  .role = ROLE_VIEWER,
	  .handle = tags,
	  .doc = "The tags of Project Haystack that we know, with their kinds. Others may be used too.",
	  .answer =
	      "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}" },
	{ .method = "GET",
	  .pattern = "/search",
	  .role = ROLE_VIEWER,
	  .handle = search,
	  .query = "q,type,tag,category,limit,cursor",
	  .doc = "Components in whose name, display name, path, type or text values all words of q are found; type:NAME, "
	         "status:NAME, tag:NAME and category:NAME in q narrow it. matched says where each word was found. Oldest "
	         "first.",
	  .answer = "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
	            "\"next\":{\"type\":\"string\"}}}" },
	{ .method = NULL },
};
