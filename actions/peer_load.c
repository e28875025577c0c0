#include "actions/peer_load.h"

#include <stdlib.h>
#include <string.h>

static const struct peer_load *load_of(const struct peer_loads *loads, const char *name)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (loads->of[i].name && strcmp(loads->of[i].name, name) == 0)
			return &loads->of[i];
	return NULL;
}

static struct peer_load *load_new(struct peer_loads *loads, const char *name)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer_load *p = &loads->of[i];

		if (p->name)
			continue;
		p->name = strdup(name);
		if (!p->name)
			abort();
		return p;
	}
	return NULL;
}

struct peer_load *peer_load_enter(struct peer_loads *loads, const char *name)
{
	const struct peer_load *known = name ? load_of(loads, name) : NULL;
	struct peer_load *p = known ? &loads->of[known - loads->of] : NULL;

	if (name && !p)
		p = load_new(loads, name);
	if (p)
		p->n++;
	return p;
}

void peer_load_leave(struct peer_load *p)
{
	if (!p || --p->n > 0)
		return;
	free(p->name);
	p->name = NULL;
}

bool peer_load_is(const struct peer_loads *loads, const char *name, unsigned max)
{
	const struct peer_load *p = name ? load_of(loads, name) : NULL;

	return p && p->n >= max;
}

bool peer_load_any_is(const struct peer_loads *loads, unsigned max)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (loads->of[i].name && loads->of[i].n >= max)
			return true;
	return false;
}
