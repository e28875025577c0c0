#include "store/due.h"

#include <stdlib.h>
#include <string.h>

/* An open-addressed set, at most a quarter full, with backward-shift deletion. */
struct due_guard {
	struct action_id *slots;
	size_t mask;
	unsigned n, max;
};

static size_t slot_of(const struct due_guard *g, const struct action_id *id)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: ids are ours or checked, not chosen against us */

	for (const char *c = id->s; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	return (size_t)h & g->mask;
}

static void slots_new(struct due_guard *g)
{
	size_t size = 16;

	while (size < 4 * (size_t)g->max)
		size *= 2;
	g->slots = calloc(size, sizeof(*g->slots));
	if (!g->slots)
		abort();
	g->mask = size - 1;
}

struct due_guard *due_guard_new(unsigned max_inflight)
{
	struct due_guard *g = calloc(1, sizeof(*g));

	if (!g)
		abort();
	g->max = max_inflight;
	slots_new(g);
	return g;
}

void due_guard_free(struct due_guard *g)
{
	if (!g)
		return;
	free(g->slots);
	free(g);
}

/* Where the id is, or the free slot where it would go. */
static size_t find(const struct due_guard *g, const struct action_id *id)
{
	size_t i = slot_of(g, id);

	while (!action_id_is_empty(&g->slots[i]) && !action_id_equal(&g->slots[i], id))
		i = (i + 1) & g->mask;
	return i;
}

void due_guard_limit(struct due_guard *g, unsigned max_inflight)
{
	struct action_id *old = g->slots;
	size_t old_mask = g->mask;

	g->max = max_inflight;
	if (4 * (size_t)max_inflight <= old_mask + 1)
		return;
	slots_new(g);
	for (size_t i = 0; i <= old_mask; i++)
		if (!action_id_is_empty(&old[i]))
			g->slots[find(g, &old[i])] = old[i];
	free(old);
}

bool due_claim(struct due_guard *g, const struct action_id *id)
{
	size_t i = find(g, id);

	if (!action_id_is_empty(&g->slots[i]) || g->n >= g->max)
		return false;
	g->slots[i] = *id;
	g->n++;
	return true;
}

void due_release(struct due_guard *g, const struct action_id *id)
{
	size_t hole = find(g, id), i = hole;

	if (action_id_is_empty(&g->slots[hole]))
		return;
	g->n--;
	for (;;) {
		size_t home;

		i = (i + 1) & g->mask;
		if (action_id_is_empty(&g->slots[i]))
			break;
		home = slot_of(g, &g->slots[i]);
		if (((i - home) & g->mask) >= ((i - hole) & g->mask)) {
			g->slots[hole] = g->slots[i];
			hole = i;
		}
	}
	g->slots[hole].s[0] = '\0';
}

bool due_is_claimed(const struct due_guard *g, const struct action_id *id)
{
	return !action_id_is_empty(&g->slots[find(g, id)]);
}

unsigned due_inflight(const struct due_guard *g)
{
	return g->n;
}

int due_version_held(int changes, const char *what, struct err *err)
{
	if (changes < 0)
		return -1;
	if (changes == 0)
		return ERR(err, ERR_CONFLICT, "%s: somebody else advanced it", what);
	return 0;
}
