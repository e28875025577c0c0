/* outbox/append.c - accepted work becomes a row with a nonce, in the unit of whoever accepted it (spec/outbox.md 2.5). */
#include "outbox/append.h"

#include <assert.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/hash.h"
#include "base/text.h"
#include "outbox/directive_states.h"
#include "outbox/internal.h"
#include "rails/evm/action.h"
#include "rails/evm/directive.h"

#define LANE_HASH_KEY "walletd outbox 1" /* fixed: where a key went before a restart, it goes after */

/* --- what is hashed --- */

static void hashed(struct buf *to, struct bytes v)
{
	buf_be32(to, (uint32_t)v.n);
	buf_add_bytes(to, v);
}

void directive_content_hash(const struct directive_row *row, uint64_t chain_id, const struct evm_address *contract,
			    struct hash32 *ret)
{
	SCOPED(buf) struct buf text = BUF_CAP(DIRECTIVE_PAYLOAD_MAX + 1024);
	SCOPED(buf) struct buf chain = BUF_CAP(8);

	buf_be64(&chain, chain_id);
	hashed(&text, bytes_of(row->kind));
	hashed(&text, bytes_of(row->action_key));
	hashed(&text, buf_bytes(&chain));
	hashed(&text, (struct bytes){ contract->b, sizeof(contract->b) });
	hashed(&text, (struct bytes){ row->signer.b, sizeof(row->signer.b) });
	hashed(&text, (struct bytes){ row->account.b, sizeof(row->account.b) });
	hashed(&text, row->payload);
	if (!buf_ok(&text))
		err_fatal("a directive is longer than its limits");
	sha256(buf_bytes(&text), ret);
}

void directive_order_key(struct directive_row *row, enum space_ordering ordering)
{
	uint8_t *p = row->order_key;

	row->order_key_n = 0;
	if (ordering == ORDER_NONE)
		return;
	for (int i = 0; i < 8; i++)
		*p++ = (uint8_t)((uint64_t)row->space_id >> (56 - 8 * i));
	memcpy(p, row->signer.b, sizeof(row->signer.b));
	p += sizeof(row->signer.b);
	if (ordering == ORDER_ACCOUNT) {
		memcpy(p, row->account.b, sizeof(row->account.b));
		p += sizeof(row->account.b);
	}
	row->order_key_n = (size_t)(p - row->order_key);
}

/* --- checks --- */

static int check_id(const char *id, struct err *err)
{
	size_t n = strnlen(id, DIRECTIVE_ID_MAX + 1);

	if (n == 0 || n > DIRECTIVE_ID_MAX || !utf8_printable(bytes_of(id))) {
		ERR(err, ERR_PARAM, "directive_id is not 1 to %d bytes of UTF-8 without control characters",
		    DIRECTIVE_ID_MAX);
		return err_field(err, "directive_id");
	}
	return 0;
}

static int check_action_key(const char *key, struct err *err)
{
	size_t n = strnlen(key, DIRECTIVE_KEY_MAX + 1);

	if (n == 0 || n > DIRECTIVE_KEY_MAX || strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != n) {
		ERR(err, ERR_ACTION_INVALID, "action_key is not 1 to %d characters of a-z, 0-9 and _",
		    DIRECTIVE_KEY_MAX);
		return err_field(err, "action_key");
	}
	return 0;
}

static int no_action(const char *key, struct err *err)
{
	SCOPED(buf) struct buf keys = BUF_CAP(ERR_HINT_MAX);
	size_t n;
	const struct evm_action *actions = evm_actions(&n);

	for (size_t i = 0; i < n; i++)
		buf_printf(&keys, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", actions[i].key);
	ERR(err, ERR_ACTION_UNSUPPORTED, "there is no action '%s' here", key);
	err_hint(err, "give %s", buf_text(&keys));
	return err_field(err, "action_key");
}

int directive_check_action(const char *key, struct bytes payload, bool any_payload, struct err *err)
{
	const struct evm_action *action;

	if (check_action_key(key, err) != 0)
		return -1;
	action = evm_action_find(key);
	if (!action)
		return no_action(key, err);
	if (payload.n > action->max_payload) {
		ERR(err, ERR_ACTION_INVALID, "payload has %zu bytes; %s takes at most %u", payload.n, key,
		    action->max_payload);
		return err_field(err, "payload");
	}
	if (!any_payload && action->validate && action->validate(payload, err) != 0) {
		err->code = ERR_ACTION_INVALID;
		err->class = err_class_of(ERR_ACTION_INVALID);
		return err_field(err, "payload");
	}
	return 0;
}

static int check(const struct outbox_append *in, struct err *err)
{
	if (check_id(in->directive_id, err) != 0)
		return -1;
	if (in->kind && !directive_kind_known(in->kind)) {
		ERR(err, ERR_KIND_UNSUPPORTED, "unsupported directive outbox kind %.64s", in->kind);
		err_hint(err, "leave kind out, or give " DIRECTIVE_KIND_RSM);
		return err_field(err, "kind");
	}
	if (evm_address_is_zero(&in->account)) {
		ERR(err, ERR_ACTION_INVALID, "account is the zero address");
		return err_field(err, "account");
	}
	if (in->payload.n > DIRECTIVE_PAYLOAD_MAX) {
		ERR(err, ERR_ACTION_INVALID, "payload has %zu bytes; at most %d are taken", in->payload.n,
		    DIRECTIVE_PAYLOAD_MAX);
		return err_field(err, "payload");
	}
	return 0;
}

bool directive_kind_known(const char *kind)
{
	return strcmp(kind, DIRECTIVE_KIND_RSM) == 0;
}

/* --- where it goes --- */

static bool asked_for(const struct space *s, const struct outbox_append *in)
{
	return (in->chain_id == 0 || s->chain->conf.chain_id == in->chain_id) &&
	       (!in->contract || evm_address_equal(&s->conf.contract, in->contract)) &&
	       (!in->signer || (s->id != 0 && evm_address_equal(&s->signer, in->signer)));
}

static bool contract_is_known(const struct outbox *ob, const struct evm_address *contract)
{
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (evm_address_equal(&ob->spaces[i]->conf.contract, contract))
			return true;
	return false;
}

static int no_space(const struct outbox *ob, const struct outbox_append *in, struct err *err)
{
	if (in->chain_id != 0 && !outbox_chain_of(ob, in->chain_id)) {
		ERR(err, ERR_SIGNER_UNKNOWN, "chain %llu is not configured", (unsigned long long)in->chain_id);
		err_hint(err, "outbox.spaces lists what is; evm_chain and outbox_space configure more");
		return err_field(err, "chain_id");
	}
	for (size_t i = 0; i < ob->n_spaces; i++) {
		const struct key_source *k = &ob->spaces[i]->key;

		if (ob->spaces[i]->id != 0)
			continue;
		if (k->trouble.code != ERR_NONE) {
			ERR(err, ERR_SIGNER_UNKNOWN, "the signer of a new space is not known: its key %s cannot be had",
			    k->ref);
			return err_hint(err, "outbox.spaces says why");
		}
		ERR(err, ERR_WALLET_LOCKED, "the signer of a new space is not known while the wallet is locked");
		return err_hint(err, "wallet.unlock");
	}
	ERR(err, ERR_SIGNER_UNKNOWN, "no space is configured for this chain, contract and signer");
	err_hint(err, "outbox.spaces lists what is; evm_chain and outbox_space configure more");
	return err_field(err, in->contract && !contract_is_known(ob, in->contract) ? "contract" : "signer");
}

/* NULL, with the error, unless it is one and its signer is known. */
static struct space *find_space(const struct outbox *ob, const struct outbox_append *in, struct err *err)
{
	struct space *found = NULL;
	unsigned fit = 0;

	for (size_t i = 0; i < ob->n_spaces; i++)
		if (asked_for(ob->spaces[i], in)) {
			found = ob->spaces[i];
			fit++;
		}
	if (fit == 1 && found->id != 0)
		return found;
	if (fit > 1) {
		ERR(err, ERR_PARAM, "several spaces fit: name the signer, the contract or the chain");
		err_hint(err, "outbox.spaces");
		err_field(err, "signer");
	} else {
		no_space(ob, in, err);
	}
	return NULL;
}

static int hashed_lane(const struct chain *c, const struct directive_row *row, int64_t *ret, struct err *err)
{
	struct bytes key = row->order_key_n ? (struct bytes){ row->order_key, row->order_key_n } : bytes_of(row->id);

	assert(c->n_lanes > 0);
	for (size_t i = 0; i < c->n_lanes; i++)
		if (c->lanes[i]->id == 0) {
			ERR(err, ERR_WALLET_LOCKED, "the relayer accounts are not known while the wallet is locked");
			return err_hint(err, "wallet.unlock");
		}
	*ret = c->lanes[siphash((const uint8_t *)LANE_HASH_KEY, key) % c->n_lanes]->id;
	return 0;
}

static int choose_lane(struct unit *u, const struct chain *c, struct directive_row *row, struct err *err)
{
	int64_t lane;

	if (hashed_lane(c, row, &row->lane, err) != 0)
		return -1;
	if (row->order_key_n == 0)
		return 0;
	/* What of its key is open stays together. */
	if (directive_store_holder_lane(unit_view(u), row->order_key, row->order_key_n, &lane, err) == 0) {
		row->lane = lane;
		row->blocked = true;
	} else if (err->code != ERR_NOT_FOUND) {
		return -1;
	}
	row->holds_order = true;
	return 0;
}

static int room(const struct outbox *ob, struct unit *u, struct err *err)
{
	uint64_t tally[DELIVERY_COUNT], open;

	if (directive_store_tally(unit_view(u), 0, tally, err) != 0)
		return -1;
	open = tally[DELIVERY_PENDING] + tally[DELIVERY_CLAIMED] + tally[DELIVERY_RETRY] + tally[DELIVERY_SUBMITTED] +
	       tally[DELIVERY_INCLUDED];
	if (open < ob->opt.max_open)
		return 0;
	ERR(err, ERR_BUSY, "%llu directives are open, and no more are taken", (unsigned long long)open);
	return err_hint(err, "try again when some are confirmed; outbox_max_open is the limit");
}

static int create(struct outbox *ob, struct unit *u, struct arena *a, struct space *s, struct directive_row *row,
		  struct err *err)
{
	struct moves m = moves_in(u, a, &ob->meters);
	struct space_row space;

	if (room(ob, u, err) != 0 || space_store_get(unit_view(u), a, s->id, &space, err) != 0 ||
	    space_store_take_nonce(u, s->id, &row->nonce, err) != 0)
		return -1;
	directive_order_key(row, space.ordering);
	if (choose_lane(u, s->chain, row, err) != 0)
		return -1;
	row->appended_block = s->chain->head_known ? s->chain->head : 0;
	row->status = DELIVERY_PENDING;
	row->wake_at_ms = 0;
	row->recheck_at_ms = DIRECTIVE_NO_WAKE;
	row->created_at_ms = row->updated_at_ms = m.now_ms;
	if (directive_accept(&m, row, err) != 0)
		return -1;
	after_with_unit(&m.after, m.meters, u);
	return 0;
}

static void describe(const struct space *s, struct outbox_appended *ret)
{
	struct directive d = {
		.account = ret->row.account,
		.action_key = ret->row.action_key,
		.nonce = ret->row.nonce,
		.payload = ret->row.payload,
	};

	directive_id_hash(ret->row.id, &ret->id_hash);
	d.id_hash = ret->id_hash;
	directive_digest(&s->domain, &d, &ret->digest);
}

static int same_again(const struct directive_row *found, const struct hash32 *content, struct err *err)
{
	char hex[65];

	if (hash32_equal(&found->content_hash, content))
		return 0;
	hex_encode(found->content_hash.b, sizeof(found->content_hash.b), hex);
	ERR(err, ERR_DIRECTIVE_CONFLICT,
	    "directive_id %s was accepted before with other content (outbox_seq %lld, content hash 0x%s)", found->id,
	    (long long)found->seq, hex);
	err_hint(err, "directive.get shows the one that is there; other work needs another directive_id");
	return err_field(err, "directive_id");
}

int outbox_append(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_append *in,
		  struct outbox_appended *ret, struct err *err)
{
	struct outbox_appended x = { .row = { .id = in->directive_id,
					      .kind = in->kind ? in->kind : DIRECTIVE_KIND_RSM,
					      .action_key = in->action_key,
					      .account = in->account,
					      .payload = in->payload,
					      .expires_at_ms = in->expires_at_ms } };
	struct directive_row found;
	struct space *s;

	(void)FAILPOINT("outbox.append");
	if (check(in, err) != 0)
		return -1;
	s = find_space(ob, in, err);
	if (!s || directive_check_action(in->action_key, in->payload, s->conf.any_payload, err) != 0)
		return -1;
	x.row.space_id = s->id;
	x.row.signer = s->signer;
	directive_content_hash(&x.row, s->chain->conf.chain_id, &s->conf.contract, &x.row.content_hash);
	if (directive_store_by_id(unit_view(u), a, in->directive_id, &found, err) == 0) {
		if (same_again(&found, &x.row.content_hash, err) != 0)
			return -1;
		x.existing = true;
		x.row = found;
	} else if (err->code != ERR_NOT_FOUND || create(ob, u, a, s, &x.row, err) != 0) {
		return -1;
	}
	describe(s, &x);
	*ret = x;
	return 0;
}
