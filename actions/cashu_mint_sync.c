/* actions/cashu_mint_sync.c - ask a mint what it offers and with which keys it signs: NUT-01, NUT-02, NUT-06.
 *
 * Started by mint.add, and as a child by every ecash action whose keysets are out of date.  It moves nothing and gives up
 * at the first trouble: who started it decides when to ask again.  A mint counts as known only when this has gone to its
 * end once (mint_row.synced_at_ms); before that its row is a bare address. */
#include <string.h>

#include "actions/cashu.h"
#include "actions/ecash.h"
#include "actions/kinds.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/mint_url.h"
#include "store/event_store.h"

enum sync_state { /* stored: append, never renumber */
		  SYNC_INFO = 1,
		  SYNC_KEYSETS = 2,
		  SYNC_KEYS = 3
};

#define INFO_MAX (256 * 1024) /* kept in the checkpoint and the store: a mint's self-portrait has no need of more */

struct sync {
	const char *mint;
	int64_t mint_id;
	bool add;         /* the user's wish: from now on it is trusted */
	const char *info; /* body of GET /v1/info */
	json_t *listed;   /* GET /v1/keysets as an array of our own making */
	int64_t at;       /* the next one whose keys are to be asked for */
};

static json_t *sync_save(struct step *s)
{
	const struct sync *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	json_set_str(cp, "mint", m->mint);
	json_set_int(cp, "mint_id", m->mint_id);
	json_set_bool(cp, "add", m->add);
	json_set_str(cp, "info", m->info);
	json_set(cp, "listed", m->listed ? m->listed : json_array_in(s->arena));
	json_set_int(cp, "at", m->at);
	return cp;
}

static int sync_load(struct step *s, const json_t *cp, struct err *err)
{
	struct sync *m = ARENA_NEW(s->arena, struct sync);

	s->checkpoint = m;
	if (json_get_str(cp, "mint", MINT_URL_MAX, &m->mint, err) != 0 ||
	    json_get_i64(cp, "mint_id", &m->mint_id, err) != 0 || json_get_bool(cp, "add", &m->add, err) != 0 ||
	    json_opt_str(cp, "info", INFO_MAX, &m->info, err) != 0 ||
	    json_get_arr(cp, "listed", KEYSETS_MAX, &m->listed, err) != 0)
		return -1;
	return json_get_i64(cp, "at", &m->at, err);
}

static int sync_start(struct step *s, const json_t *params, struct err *err)
{
	struct sync *m = ARENA_NEW(s->arena, struct sync);
	char *url = arena_alloc(s->arena, MINT_URL_MAX + 1);
	const char *text;
	struct mint_row row;

	s->checkpoint = m;
	if (json_get_str(params, "mint", MINT_URL_MAX, &text, err) != 0 || mint_url_normalise(text, url, err) != 0 ||
	    json_opt_bool(params, "add", &m->add, err) != 0)
		return -1;
	m->mint = url;
	s->row.peer = url;
	if (mint_store_by_url(s->view, s->arena, url, &row, err) == 0) {
		m->mint_id = row.id;
		return SYNC_INFO;
	}
	if (err->code != ERR_MINT_UNKNOWN)
		return -1;
	row = (struct mint_row){ .url = url, .added_at_ms = s->now_ms };
	if (mint_store_add(s->unit, &row, &m->mint_id, err) != 0)
		return -1;
	return SYNC_INFO;
}

/* What went wrong ends it; the mint's name remembers. */
static struct outcome sync_failed(struct step *s, const struct err *why, struct err *err)
{
	struct sync *m = s->checkpoint;

	if (mint_store_set_trouble(s->unit, m->mint_id, err_kind(why->code), s->now_ms, err) != 0)
		return outcome_trouble(err);
	return outcome_failed(why, "no");
}

static struct outcome sync_trouble(struct step *s, const struct err *why, struct err *err)
{
	return sync_failed(s, why, err);
}

static int info_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct sync *m = s->checkpoint;

	(void)err;
	mint_info_request(s->arena, m->mint, ret);
	ret->max_reply = INFO_MAX;
	return 0;
}

static struct outcome info_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sync *m = s->checkpoint;
	struct mint_info info;

	if (mint_info_decode(s->arena, rep, &info, err) != 0)
		return outcome_trouble(err);
	if (s->policy->require_dleq && !info.dleq) {
		struct err why;

		ERR(&why, ERR_UNSUPPORTED, "%s offers no DLEQ proofs (NUT-12), and cashu_require_dleq is set", m->mint);
		err_field(&why, "mint");
		return sync_failed(s, &why, err);
	}
	m->info = (const char *)arena_bytes(s->arena, rep->body).p;
	return outcome_next(SYNC_KEYSETS);
}

static int keysets_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct sync *m = s->checkpoint;

	(void)err;
	keysets_request(s->arena, m->mint, ret);
	return 0;
}

static json_t *listed_json(struct arena *a, const struct keyset *ks)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "id", ks->id.s);
	json_set_str(v, "unit", ks->unit.s);
	json_set_bool(v, "active", ks->active);
	json_set_u64(v, "input_fee_ppk", ks->input_fee_ppk);
	json_set_int(v, "final_expiry", ks->final_expiry_s);
	return v;
}

static int listed_read(const json_t *v, struct keyset *ret, struct err *err)
{
	const char *id, *unit;

	*ret = (struct keyset){ 0 };
	if (json_get_str(v, "id", KEYSET_ID_MAX, &id, err) != 0 || json_get_str(v, "unit", 15, &unit, err) != 0 ||
	    json_get_bool(v, "active", &ret->active, err) != 0 ||
	    json_get_u64(v, "input_fee_ppk", KEYSET_FEE_PPK_MAX, &ret->input_fee_ppk, err) != 0 ||
	    json_get_i64(v, "final_expiry", &ret->final_expiry_s, err) != 0)
		return -1;
	if (!keyset_id_parse(id, &ret->id) || !currency_parse(unit, &ret->unit))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad keyset");
	return 0;
}

/* 1, 0 or -1. */
static int is_known(struct step *s, const struct keyset_id *id, struct err *err)
{
	const struct sync *m = s->checkpoint;
	struct keyset have;

	if (keyset_store_get(s->view, s->arena, m->mint_id, id, &have, err) == 0)
		return 1;
	return err->code == ERR_KEYSET_UNKNOWN ? 0 : -1;
}

/* New ones first: that a keyset is retired is noted when the one that takes its place is there, whatever happens between. */
static int listed_keep(struct step *s, const struct keyset *list, size_t n, struct err *err)
{
	struct sync *m = s->checkpoint;
	json_t *known = json_array_in(s->arena);

	m->listed = json_array_in(s->arena);
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (keyset_id_version(&list[i].id) == KEYSET_LEGACY)
			continue;
		rc = is_known(s, &list[i].id, err);
		if (rc < 0)
			return -1;
		json_add(rc ? known : m->listed, listed_json(s->arena, &list[i]));
	}
	if (json_array_extend(m->listed, known) != 0)
		return ERR(err, ERR_INTERNAL, "a list that does not grow");
	m->at = 0;
	return 0;
}

static struct outcome keysets_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sync *m = s->checkpoint;
	struct keyset *list;
	size_t n;

	if (keysets_decode(s->arena, rep, &list, &n, err) != 0 || listed_keep(s, list, n, err) != 0)
		return outcome_trouble(err);
	if (json_array_size(m->listed) == 0) {
		ERR(err, ERR_PEER_INVALID, "%s lists no keyset that can be used", m->mint);
		return outcome_trouble(err);
	}
	return outcome_next(SYNC_KEYS);
}

/* The keyset at `at`; known: its keys are stored already, so that only what may change is taken from the listing. */
static int listed_now(struct step *s, struct keyset *ret, bool *known, struct err *err)
{
	const struct sync *m = s->checkpoint;
	struct keyset have;

	if (listed_read(json_array_get(m->listed, (size_t)m->at), ret, err) != 0)
		return -1;
	*known = false;
	if (keyset_store_get(s->view, s->arena, m->mint_id, &ret->id, &have, err) != 0)
		return err->code == ERR_KEYSET_UNKNOWN ? 0 : -1;
	ret->keys = have.keys;
	ret->n_keys = have.n_keys;
	*known = true;
	return 0;
}

static int keys_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct sync *m = s->checkpoint;
	struct keyset listed;
	bool known;

	if (listed_now(s, &listed, &known, err) != 0)
		return -1;
	if (known)
		return NOTHING_TO_ASK;
	keyset_request(s->arena, m->mint, &listed.id, ret);
	return 0;
}

static bool is_listed(const struct sync *m, const struct keyset_id *id)
{
	size_t i;
	json_t *v;

	json_array_foreach(m->listed, i,
			   v) if (strcmp(json_string_value(json_object_get(v, "id")), id->s) == 0) return true;
	return false;
}

/* What the mint lists no more takes no new outputs. */
static int put_unlisted_to_sleep(struct step *s, struct keyset *keysets, size_t n, struct err *err)
{
	const struct sync *m = s->checkpoint;

	for (size_t i = 0; i < n; i++) {
		int64_t kid_int = keyset_id_version(&keysets[i].id) == KEYSET_V1
					  ? (int64_t)keyset_id_int(&keysets[i].id)
					  : -1;

		if (!keysets[i].active || is_listed(m, &keysets[i].id))
			continue;
		keysets[i].active = false;
		if (keyset_store_put(s->unit, m->mint_id, &keysets[i], kid_int, err) != 0)
			return -1;
	}
	return 0;
}

static struct outcome sync_finish(struct step *s, struct err *err)
{
	struct sync *m = s->checkpoint;
	struct mint_row row;
	struct mint_info info;
	struct keyset *keysets;
	bool was_trusted;
	size_t n;

	if (mint_store_by_id(s->view, s->arena, m->mint_id, &row, err) != 0 ||
	    mint_info_parse(s->arena, bytes_of(m->info), &info, err) != 0)
		return outcome_trouble(err);
	was_trusted = row.trusted;
	row.name = info.name;
	row.info = m->info;
	row.dleq = info.dleq;
	row.quote_locks = info.quote_lock;
	row.trusted = row.trusted || m->add;
	row.synced_at_ms = s->now_ms;
	row.trouble = NULL;
	row.trouble_since_ms = 0;
	if (mint_store_update(s->unit, &row, err) != 0 ||
	    keyset_store_list(s->view, s->arena, m->mint_id, &keysets, &n, err) != 0 ||
	    put_unlisted_to_sleep(s, keysets, n, err) != 0)
		return outcome_trouble(err);
	if (row.trusted && !was_trusted && event_append(s->unit, "mint.added", row.url, "{}", err) != 0)
		return outcome_trouble(err);
	return outcome_done(ecash_mint_json(s->arena, &row, keysets, n));
}

/* One that cannot be kept is left out, and the mint's others can still be used. */
static int keyset_keep(struct step *s, const struct keyset *ks, struct err *err)
{
	const struct sync *m = s->checkpoint;
	int64_t kid_int = keyset_id_version(&ks->id) == KEYSET_V1 ? (int64_t)keyset_id_int(&ks->id) : -1;

	if (keyset_store_put(s->unit, m->mint_id, ks, kid_int, err) == 0)
		return 0;
	if (err->code != ERR_EXISTS && err->code != ERR_RANGE)
		return -1;
	log_warn(&s->log, "cashu.keyset_left_out", F_STR("mint", m->mint), F_ERR(err));
	return 0;
}

/* This one, and with it those that follow and need no asking. */
static struct outcome keys_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct sync *m = s->checkpoint;

	for (;;) {
		struct keyset listed, ks;
		bool known;

		if (listed_now(s, &listed, &known, err) != 0)
			return outcome_trouble(err);
		ks = listed;
		if (!known && !rep)
			return outcome_next(SYNC_KEYS);
		if (!known && keyset_decode(s->arena, rep, &listed, &ks, err) != 0)
			return outcome_trouble(err);
		rep = NULL;
		ks.active = listed.active;
		if (keyset_keep(s, &ks, err) != 0)
			return outcome_trouble(err);
		m->at++;
		if ((size_t)m->at == json_array_size(m->listed))
			return sync_finish(s, err);
	}
}

static struct outcome sync_cancel(struct step *s, struct err *err)
{
	struct err why;

	(void)s;
	(void)err;
	ERR(&why, ERR_CANCELLED, "cancelled; nothing was moved");
	return outcome_cancelled(&why);
}

static const struct param sync_params[] = {
	{
		.name = "mint",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED,
		.max = MINT_URL_MAX,
		.help = "URL of the mint.",
	},
	{
		.name = "add",
		.type = PARAM_BOOL,
		.fallback = "false",
		.help = "Trust it from now on, as mint.add does.",
	},
	{ 0 },
};

static const struct state_def sync_states[] = {
	[SYNC_INFO] = { .name = "info", .enter = info_enter, .reply = info_reply, .cancellable = true },
	[SYNC_KEYSETS] = { .name = "keysets", .enter = keysets_enter, .reply = keysets_reply, .cancellable = true },
	[SYNC_KEYS] = { .name = "keys", .enter = keys_enter, .reply = keys_reply, .cancellable = true },
};

const struct action_kind cashu_mint_sync_kind = {
	.name = "cashu_mint_sync",
	.summary = "Read a mint's info, keysets and keys; with add, trust it.",
	.params = sync_params,
	.states = sync_states,
	.n_states = ARRAY_LEN(sync_states),
	.needs_keys = true, /* it signs nothing, but no step of any kind begins without a wallet */
	.start = sync_start,
	.save = sync_save,
	.load = sync_load,
	.on_retry = sync_trouble,
	.on_rejection = sync_failed,
	.cancel = sync_cancel,
};
