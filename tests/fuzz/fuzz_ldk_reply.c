/* A reply from ldk-server: the first byte chooses who reads it, the second whether a status came with it and which, the rest is the
 * body.  A reader answers within its limits, or with an error of its contract, to which there is a meaning. */
#include <stdlib.h>
#include <string.h>

#include "rails/lightning/backend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static const struct ln_backend *const ldk = &ldk_backend;

static int read_info(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_info info;

	if (ldk->info_decode(a, rep, &info, err) != 0)
		return -1;
	must(info.id.b[0] == 2 || info.id.b[0] == 3);
	return 0;
}

static int read_channels(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_channel *c;
	size_t n;

	if (ldk->channels_decode(a, rep, &c, &n, err) != 0)
		return -1;
	must(n <= LN_CHANNELS_MAX);
	for (size_t i = 0; i < n; i++) {
		must(c[i].alt != NULL && c[i].state != NULL && c[i].n_flights == 0);
		must(sat_is_money(c[i].capacity) && msat_value(c[i].local) <= SAT_MONEY_MAX * 1000);
		must(!c[i].usable || c[i].phase == CHANNEL_READY);
	}
	return 0;
}

static int read_open(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct ln_round round;

	return ldk->open_decode(a, rep, &round, err);
}

static int read_balance(struct arena *a, const struct net_reply *rep, struct err *err)
{
	struct sat balance;

	if (ldk->balance_decode(a, rep, &balance, err) != 0)
		return -1;
	must(sat_is_money(balance));
	return 0;
}

static int (*const readers[])(struct arena *a, const struct net_reply *rep, struct err *err) = {
	read_info,
	read_channels,
	read_open,
	read_balance,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16 * 1024 * 1024);
	struct net_reply rep = { .outcome = NET_ANSWERED, .status = 200, .content_type = "" };
	struct splice_trouble t;
	struct err err;

	if (size < 2)
		return 0;
	rep.has_grpc_status = data[1] != 0xff;
	rep.grpc_status = data[1];
	rep.body = (struct bytes){ data + 2, size - 2 };
	/* As words, what is a text. */
	for (size_t i = 0; i + 1 < sizeof(rep.grpc_message) && i < rep.body.n && rep.body.p[i]; i++)
		rep.grpc_message[i] = (char)rep.body.p[i];
	if (readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](&a, &rep, &err) == 0)
		return 0;
	must(err.code == ERR_PEER || err.code == ERR_PEER_AUTH || err.code == ERR_PEER_INVALID);
	t = ldk->trouble(&err);
	must((t.sign == TROUBLE_PARK) == (t.wait != SPLICE_WAIT_NONE));
	must((t.sign == TROUBLE_CLASS) == (t.why != SPLICE_FINE));
	return 0;
}
