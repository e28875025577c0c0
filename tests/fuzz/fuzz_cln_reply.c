/* A reply from a Core Lightning node, with a peer's words and transactions in it: the first byte chooses who reads it, the rest is
 * what came off the socket.  A reader answers within its limits, or with an error of its contract, to which there is a
 * meaning; what is read as a PSBT is verified as a splice. */
#include <stdlib.h>
#include <string.h>

#include "rails/lightning/backend.h"
#include "rails/lightning/splice_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static const struct ln_backend *const cln = &cln_backend;

static void read_psbt(struct arena *a, const char *psbt)
{
	struct splice_terms terms = { .max_rate = { 1000 }, .weight = { 1000 } };
	struct splice_view v;
	struct err err;

	must(strlen(psbt) <= LN_PSBT_TEXT_MAX);
	if (splice_terms_of(a, psbt, &terms, &err) != 0)
		return;
	must(terms.n_inputs <= SPLICE_INPUTS_MAX);
	if (splice_verify(a, psbt, &terms, &v, &err) == 0)
		must(v.n_ours == terms.n_inputs);
}

static int read_info(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_info info;

	if (cln->info_decode(a, rep, &info, err) != 0)
		return -1;
	must(strlen(info.version) <= LN_VERSION_MAX && strlen(info.chain) <= LN_VERSION_MAX);
	return 0;
}

static int read_channels(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_channel *c;
	size_t n;

	if (cln->channels_decode(a, rep, &c, &n, err) != 0)
		return -1;
	must(n <= LN_CHANNELS_MAX);
	for (size_t i = 0; i < n; i++) {
		must(c[i].n_flights <= LN_FLIGHTS_MAX && strlen(c[i].state) <= LN_STATE_TEXT_MAX);
		must(sat_is_money(c[i].capacity) && msat_value(c[i].local) <= SAT_MONEY_MAX * 1000);
		for (size_t k = 0; k < c[i].n_flights; k++)
			must(sat_is_money(c[i].flights[k].own.by));
	}
	return 0;
}

static int read_lists(struct arena *a, const struct net_reply *rep, struct err *err)
{
	const struct ln_ref ref = { .channel = { { 1 } } };
	struct splice_input *coins;
	bool closed;
	size_t n;

	if (cln->coins_decode(a, rep, &coins, &n, err) == 0)
		for (size_t i = 0; i < n; i++)
			must(sat_is_money(coins[i].amount));
	return cln->closed_decode(a, rep, &ref, &closed, err);
}

static int read_peer(struct arena *a, const struct net_reply *rep, struct err *err)
{
	bool known, splices;
	struct ln_feerates r;

	if (cln->feerates_decode(a, rep, &r, err) == 0)
		must(feerate_sat_per_kwu(r.floor) <= FEERATE_MAX);
	if (cln->peer_decode(a, rep, &known, &splices, err) != 0)
		return -1;
	must(known || !splices);
	return 0;
}

static int read_contribution(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_funded f;
	struct ln_paid paid;

	if (cln->pay_decode(a, rep, &paid, err) == 0)
		read_psbt(a, paid.psbt);
	if (cln->fund_decode(a, rep, &f, err) != 0)
		return -1;
	must(f.n_inputs >= 1 && f.n_inputs <= SPLICE_INPUTS_MAX && sat_is_money(f.excess));
	return 0;
}

static int read_round(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_round round;
	const char *psbt;

	if (cln->open_decode(a, rep, &round, err) == 0)
		read_psbt(a, round.psbt);
	if (cln->sign_decode(a, rep, &psbt, err) == 0)
		must(strlen(psbt) <= LN_PSBT_TEXT_MAX);
	return cln->update_decode(a, rep, &round, err);
}

static int read_commit(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_committed c;

	return cln->commit_decode(a, rep, &c, err);
}

static int (*const readers[])(struct arena *a, const struct net_reply *rep, struct err *err) = {
	read_info, read_channels, read_lists, read_peer, read_contribution, read_round, read_commit,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(32 * 1024 * 1024);
	struct net_reply rep = { .outcome = NET_ANSWERED, .status = 200, .content_type = "" };
	struct splice_trouble t;
	struct err err;

	if (size < 1)
		return 0;
	rep.body = (struct bytes){ data + 1, size - 1 };
	if (readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](&a, &rep, &err) == 0)
		return 0;
	must(err.code == ERR_PEER || err.code == ERR_PEER_INVALID);
	must(err.code != ERR_PEER || err.peer_code != 0);
	t = cln->trouble(&err);
	must(t.sign >= TROUBLE_CLASS && t.sign <= TROUBLE_TOO_OLD);
	must((t.sign == TROUBLE_PARK) == (t.wait != SPLICE_WAIT_NONE));
	must((t.sign == TROUBLE_CLASS) == (t.why != SPLICE_FINE));
	return 0;
}
