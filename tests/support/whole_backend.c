#include "tests/support/whole_backend.h"

#include "rails/lightning/cln_wire.h"
#include "rails/lightning/ldk_wire.h"

/* Nothing of its rounds. */
static int channels_decode(struct arena *a, const struct net_reply *rep, struct ln_channel **ret, size_t *n,
			   struct err *err)
{
	if (cln_backend.channels_decode(a, rep, ret, n, err) != 0)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		(*ret)[i].flights = NULL;
		(*ret)[i].n_flights = 0;
		(*ret)[i].splicing = false;
	}
	return 0;
}

static int balance_decode(struct arena *a, const struct net_reply *rep, struct sat *ret, struct err *err)
{
	struct splice_input *coins;
	struct sat sum = { 0 };
	size_t n;

	if (cln_backend.coins_decode(a, rep, &coins, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!sat_add(sum, coins[i].amount, &sum))
			return ERR(err, ERR_PEER_INVALID, "more than there is");
	*ret = sum;
	return 0;
}

static int open_request(struct arena *a, const struct ln_node *node, const struct ln_open *open,
			struct net_request *ret, struct err *err)
{
	struct cln_call call = { .method = "splice_whole", .params = json_object_in(a), .writes = true };

	json_set_u64(call.params, "amount", open->everything ? 0 : sat_value(open->share.by));
	json_set_bool(call.params, "out", open->share.out);
	json_set_str(call.params, "address", open->address);
	return cln_request(a, node, &call, ret, err);
}

static int open_decode(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err)
{
	json_t *taken;

	if (cln_result(a, rep, "splice_whole", &taken, err) != 0)
		return err->peer_code == LDK_UNAUTHENTICATED ? ERR(err, ERR_PEER_AUTH, "another key") : -1;
	*ret = (struct ln_round){ .psbt = NULL };
	return 0;
}

const struct ln_backend *whole_backend(void)
{
	static struct ln_backend b;

	b = (struct ln_backend){
		.name = "whole",
		.caps = ldk_backend.caps,
		.guarantees = ldk_backend.guarantees,
		.info_request = cln_backend.info_request,
		.info_decode = cln_backend.info_decode,
		.balance_request = cln_backend.coins_request,
		.balance_decode = balance_decode,
		.channels_request = cln_backend.channels_request,
		.channels_decode = channels_decode,
		.open_request = open_request,
		.open_decode = open_decode,
		.trouble = ldk_backend.trouble,
	};
	return &b;
}
