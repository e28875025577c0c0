#include "rails/cashu/checkstate.h"

#include <string.h>

#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

#define Y_CHARS 72

int checkstate_request(struct arena *a, const char *mint, const struct pubkey *ys, size_t n, struct net_request *ret,
		       struct err *err)
{
	json_t *body = json_object_in(a), *list = json_array_in(a);

	if (wire_count("proofs", n, err) != 0 || wire_room(a, n * Y_CHARS, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		json_add_take(list, wire_hex(ys[i].b, sizeof(ys[i].b)));
	json_set(body, "Ys", list);
	wire_post(a, mint_url_join(a, mint, "/v1/checkstate"), body, WIRE_READ_MS, false, ret);
	return 0;
}

static int state_of(const char *text, enum note_state *ret)
{
	if (strcmp(text, "UNSPENT") == 0)
		*ret = NOTE_UNSPENT;
	else if (strcmp(text, "PENDING") == 0)
		*ret = NOTE_PENDING;
	else if (strcmp(text, "SPENT") == 0)
		*ret = NOTE_SPENT;
	else
		return -1;
	return 0;
}

static int states_read(const json_t *list, const struct pubkey *ys, struct note_states *ret, struct err *err)
{
	for (size_t i = 0; i < ret->n; i++) {
		const json_t *e = json_array_get(list, i);
		const char *state;
		struct pubkey y;

		if (wire_pubkey(e, "Y", &y, err) != 0 || json_get_str(e, "state", SIZE_MAX, &state, err) != 0)
			return -1;
		if (!pubkey_equal(&y, &ys[i]))
			return ERR(err, ERR_PARSE, "entry %zu is about another proof", i);
		if (state_of(state, &ret->v[i]) != 0)
			return ERR(err, ERR_PARSE, "entry %zu has a state that we do not know", i);
		switch (ret->v[i]) {
		case NOTE_UNSPENT:
			ret->unspent++;
			break;
		case NOTE_PENDING:
			ret->pending++;
			break;
		case NOTE_SPENT:
			ret->spent++;
			break;
		}
	}
	return 0;
}

int checkstate_decode(struct arena *a, const struct net_reply *rep, const struct pubkey *ys, size_t n,
		      struct note_states *ret, struct err *err)
{
	struct note_states states = { .n = n };
	json_t *v, *list;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (json_get_arr(v, "states", n, &list, err) != 0)
		return cashu_invalid(err, "the mint's states");
	if (json_array_size(list) != n)
		return ERR(err, ERR_PEER_INVALID, "the mint was asked about %zu proofs and answered for %zu", n,
			   json_array_size(list));
	states.v = ARENA_ARRAY(a, n, enum note_state);
	if (states_read(list, ys, &states, err) != 0)
		return cashu_invalid(err, "the mint's states");
	*ret = states;
	return 0;
}
