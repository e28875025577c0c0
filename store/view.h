/* store/view.h - what a reading function looks at: committed state, or the state inside an open unit. */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/store.h"

struct view {
	struct store *store;
	struct unit *unit; /* NULL: committed state only, through the reader connection */
};
struct view store_view(struct store *s);
struct view unit_view(struct unit *u);

#endif
