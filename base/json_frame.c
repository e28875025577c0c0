#include "base/json_frame.h"

#include <string.h>

static enum json_frame_state in_string(struct json_frame *f, uint8_t c)
{
	if (f->escaped)
		f->escaped = false;
	else if (c == '\\')
		f->escaped = true;
	else if (c == '"')
		f->in_string = false;
	return JSON_FRAME_MORE;
}

static enum json_frame_state before(struct json_frame *f, uint8_t c)
{
	if (c == '{') {
		f->begun = true;
		f->depth = 1;
		return JSON_FRAME_MORE;
	}
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' ? JSON_FRAME_MORE : JSON_FRAME_BROKEN;
}

static enum json_frame_state one(struct json_frame *f, uint8_t c)
{
	if (!f->begun)
		return before(f, c);
	if (f->in_string)
		return in_string(f, c);
	switch (c) {
	case '"':
		f->in_string = true;
		return JSON_FRAME_MORE;
	case '{':
	case '[':
		return ++f->depth <= JSON_FRAME_DEPTH ? JSON_FRAME_MORE : JSON_FRAME_BROKEN;
	case '}':
	case ']':
		return --f->depth == 0 ? JSON_FRAME_WHOLE : JSON_FRAME_MORE;
	default:
		return JSON_FRAME_MORE;
	}
}

enum json_frame_state json_frame_feed(struct json_frame *f, struct bytes more, size_t *ret_taken)
{
	for (size_t i = 0; i < more.n; i++) {
		enum json_frame_state st = one(f, more.p[i]);

		if (st != JSON_FRAME_MORE) {
			*ret_taken = i + 1;
			return st;
		}
	}
	*ret_taken = more.n;
	return JSON_FRAME_MORE;
}
