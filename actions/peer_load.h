/* actions/peer_load.h - how many drives each peer has in flight, so that one that is slow or dead holds up no others.
 *
 * A fixed number of peers is counted at a time; one more is let through uncounted, as is whoever names none. */
#ifndef ACTIONS_PEER_LOAD_H
#define ACTIONS_PEER_LOAD_H

#include <stdbool.h>

#define PEERS_MAX 64 /* distinct peers in flight that are counted */

struct peer_load {
	char *name; /* NULL: nobody's */
	unsigned n;
};
/* All zero at first. */
struct peer_loads {
	struct peer_load of[PEERS_MAX];
};

/* One more of this peer (NULL: of none); the place where it is counted, or NULL. */
struct peer_load *peer_load_enter(struct peer_loads *loads, const char *name);
void peer_load_leave(struct peer_load *p);
/* Has it, or has any of them, so many? */
bool peer_load_is(const struct peer_loads *loads, const char *name, unsigned max);
bool peer_load_any_is(const struct peer_loads *loads, unsigned max);

#endif
