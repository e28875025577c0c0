/* base/json_frame.h - where a JSON object ends in bytes that arrive in pieces, for peers that write one after another on a
 * stream with nothing around them.
 *
 * It looks at brackets and strings only and says nothing of validity: who has the whole text parses it.  Bytes before the
 * first object may be white space and nothing else. */
#ifndef BASE_JSON_FRAME_H
#define BASE_JSON_FRAME_H

#include "base/buf.h"

#define JSON_FRAME_DEPTH 64

struct json_frame {
	unsigned depth;
	bool begun, in_string, escaped;
};

enum json_frame_state {
	JSON_FRAME_MORE = 1, /* every byte was taken, and the object goes on */
	JSON_FRAME_WHOLE,    /* *ret_taken bytes belong to it and to what came before it */
	JSON_FRAME_BROKEN    /* no object: another byte came first, or it is nested deeper than JSON_FRAME_DEPTH */
};
/* A zeroed frame begins.  After WHOLE zero it again for the next object; after BROKEN nothing on the stream can be trusted. */
enum json_frame_state json_frame_feed(struct json_frame *f, struct bytes more, size_t *ret_taken);

#endif
