/* The head of an HTTP request: read in one piece or in two, it means the same; and views stay inside it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes v, struct bytes head)
{
	if (v.p && (v.p < head.p || v.p + v.n > head.p + head.n))
		abort();
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '\r' || v.p[i] == '\n' || v.p[i] == '\0')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes all = { data, size }, head;
	size_t at = 0, cut = size / 2, again = 0;
	const char *why = NULL;
	struct http_head h;
	long end = http_head_scan(all, &at), half = http_head_scan((struct bytes){ data, cut }, &again);
	int status;

	if (half == 0)
		half = http_head_scan(all, &again);
	if (half != end)
		abort();
	if (end <= 0)
		return 0;
	head = (struct bytes){ data, (size_t)end };
	status = http_head_parse(head, &h, &why);
	if ((status == 0) != (why == NULL))
		abort();
	if (status != 0)
		return 0;
	check_inside(h.path, head);
	check_inside(h.query, head);
	check_inside(h.host, head);
	check_inside(h.content_type, head);
	check_inside(h.authorization, head);
	check_inside(h.last_event_id, head);
	return 0;
}
