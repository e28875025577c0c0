/* A reply from a mint that may send anything: the first byte chooses who reads it, the second the status, the rest is the
 * body.  A decoder answers with what it was asked for, or with an error of its contract. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/checkstate.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/melt.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/mint_quote.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void read_keysets(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct keyset *sets;
	size_t n;

	if (keysets_decode(a, rep, &sets, &n, err) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		must(sets[i].id.s[0] != '\0' && sets[i].input_fee_ppk <= KEYSET_FEE_PPK_MAX);
}

static void read_keys(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct keyset listed = { .active = true }, ks;

	must(keyset_id_parse("00456a94ab4e1c46", &listed.id) && currency_parse("sat", &listed.unit));
	if (keyset_decode(a, rep, &listed, &ks, err) == 0)
		must(ks.n_keys > 0 && keyset_verify_id(&ks));
}

static void read_info(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct mint_info info;

	if (mint_info_decode(a, rep, &info, err) == 0)
		must(strlen(info.name) <= MINT_NAME_MAX && info.n_issue_bolt11 <= MINT_METHODS_MAX);
}

static void read_quote(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ecash asked = { .v = 1000, .unit = { "sat" } };
	struct mint_quote q;

	if (mint_quote_decode(a, rep, asked, NULL, &q, err) == 0)
		must(strlen(q.id) > 0 && strlen(q.id) <= QUOTE_ID_MAX && q.expiry_s >= 0);
}

static void read_promises(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct promise *list;
	size_t n;

	if (promises_decode(a, rep, &list, &n, err) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		must(list[i].amount > 0 && list[i].amount <= AMOUNT_MAX);
}

static const struct output outputs[2] = {
	{ .amount = 1, .keyset = { "00456a94ab4e1c46" }, .b = { { 2, 0xaa } }, .secret = "a" },
	{ .amount = 2, .keyset = { "00456a94ab4e1c46" }, .b = { { 3, 0xbb } }, .secret = "b" },
};

static void read_restore(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct restored r;

	if (restore_decode(a, rep, outputs, ARRAY_LEN(outputs), &r, err) == 0)
		must(r.n <= ARRAY_LEN(outputs));
}

static void read_states(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct pubkey ys[2] = { outputs[0].b, outputs[1].b };
	struct note_states s;

	if (checkstate_decode(a, rep, ys, 2, &s, err) == 0)
		must(s.n == 2 && s.spent + s.unspent + s.pending == 2);
}

/* Change is at most what was left, in as many notes as there are blanks. */
static void read_change(struct arena *a, const struct melt_quote *q)
{
	const uint64_t surplus = 1000;
	struct output *made;
	struct err why;
	uint64_t sum = 0;

	if (melt_change_outputs(a, outputs, ARRAY_LEN(outputs), q->change, q->n_change, surplus, &made, &why) != 0) {
		must(why.code == ERR_PEER_INVALID);
		return;
	}
	must(q->n_change <= ARRAY_LEN(outputs));
	for (size_t i = 0; i < q->n_change; i++)
		sum += made[i].amount;
	must(sum <= surplus);
}

static void read_melt(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct melt_asked asked = { .invoice = "lnbc1m1pabc", .unit = { "sat" }, .amount = { 100000 } };
	struct ecash fee = { .v = 1, .unit = { "sat" } };
	struct melt_quote q;
	struct melt_cost cost;
	struct err why;

	if (melt_quote_decode(a, rep, &asked, NULL, &q, err) != 0)
		return;
	must(strlen(q.id) > 0 && strlen(q.id) <= QUOTE_ID_MAX && q.expiry_s >= 0 && ecash_value(q.amount) >= 100);
	must(q.n_change <= MELT_BLANKS_MAX && !(q.change_unreadable && q.n_change > 0));
	must(q.state != QUOTE_UNPAID || q.preimage == NULL);
	if (melt_cost(&q, &asked, fee, &cost, &why) == 0)
		must(ecash_cmp(cost.need, cost.fee_max) > 0);
	else
		must(why.code == ERR_RANGE);
	read_change(a, &q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct arena * a, const struct net_reply *rep, struct err *err) = {
		read_keysets, read_keys, read_info, read_quote, read_promises, read_restore, read_states, read_melt,
	};
	static const int statuses[] = { 200, 400, 201, 404, 429, 500, 503 };
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
	struct net_reply rep = { .outcome = NET_ANSWERED, .content_type = "application/json" };
	struct err err;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size < 2)
		return 0;
	rep.status = statuses[data[1] % ARRAY_LEN(statuses)];
	rep.body = arena_bytes(&a, (struct bytes){ data + 2, size - 2 });
	err_clear(&err);
	readers[data[0] % ARRAY_LEN(readers)](&a, &rep, &err);
	must(err.code == ERR_NONE || err.code == ERR_PEER || err.code == ERR_PEER_BUSY || err.code == ERR_PEER_DOWN ||
	     err.code == ERR_PEER_INVALID);
	must(cashu_verdict(&err) >= CASHU_OK && cashu_verdict(&err) <= CASHU_THROTTLED);
	return 0;
}
