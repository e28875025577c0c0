/* A small Cashu mint for the playground and the tests, whose invoices pay themselves and which fails on demand.
 *
 * Its notes are worth nothing: keys come from a text, all is in memory.  It prints its URL on a line of its own once it
 * serves, and ends on SIGTERM or SIGINT. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/rng.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/peers/testmint/front.h"

static const char usage[] =
	"usage: walletd-testmint [--port=N] [--units=sat,usd] [--fee-ppk=N] [--keysets=v1|v2]\n"
	"                        [--dialect=nutshell|cdk] [--pay-delay-ms=N|-1] [--quote-ttl-s=N]\n"
	"                        [--quote-lock=none|legacy|v1|both] [--cache-ttl-s=N] [--no-dleq]\n"
	"                        [--max-amount=N] [--seed=TEXT]\n"
	"Serves a Cashu mint on 127.0.0.1 and prints its URL.  /control/ is described in control.h.\n";

struct settings {
	struct mint_options mint;
	uint64_t port;
};

NORETURN static void bad_option(const char *name, const char *value)
{
	fprintf(stderr, "walletd-testmint: --%s=%s makes no sense\n%s", name, value, usage);
	exit(2);
}

static uint64_t number(const char *name, const char *value, uint64_t max)
{
	uint64_t v;

	if (!parse_u64(value, max, &v))
		bad_option(name, value);
	return v;
}

static int64_t signed_number(const char *name, const char *value)
{
	int64_t v;

	if (!parse_i64(value, -1, INT32_MAX, &v))
		bad_option(name, value);
	return v;
}

static size_t choice(const char *name, const char *value, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	bad_option(name, value);
}

static void units(const char *value, struct mint_options *o)
{
	const char *p = value;

	o->n_units = 0;
	for (;;) {
		size_t n = strcspn(p, ",");
		char one[16] = "";

		if (n == 0 || n >= sizeof(one) || o->n_units == MINT_UNITS_MAX)
			bad_option("units", value);
		memcpy(one, p, n);
		if (!currency_parse(one, &o->units[o->n_units++]))
			bad_option("units", value);
		if (p[n] == '\0')
			return;
		p += n + 1;
	}
}

enum {
	OPT_PORT = 1,
	OPT_UNITS,
	OPT_FEE,
	OPT_KEYSETS,
	OPT_DIALECT,
	OPT_DELAY,
	OPT_TTL,
	OPT_LOCK,
	OPT_CACHE,
	OPT_NO_DLEQ,
	OPT_MAX,
	OPT_SEED
};

static const struct option long_options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "units", required_argument, NULL, OPT_UNITS },
	{ "fee-ppk", required_argument, NULL, OPT_FEE },
	{ "keysets", required_argument, NULL, OPT_KEYSETS },
	{ "dialect", required_argument, NULL, OPT_DIALECT },
	{ "pay-delay-ms", required_argument, NULL, OPT_DELAY },
	{ "quote-ttl-s", required_argument, NULL, OPT_TTL },
	{ "quote-lock", required_argument, NULL, OPT_LOCK },
	{ "cache-ttl-s", required_argument, NULL, OPT_CACHE },
	{ "no-dleq", no_argument, NULL, OPT_NO_DLEQ },
	{ "max-amount", required_argument, NULL, OPT_MAX },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ NULL, 0, NULL, 0 },
};

static void option(int which, const char *name, const char *value, struct settings *s)
{
	static const char *const versions[] = { "v1", "v2" };
	static const char *const dialects[] = { "nutshell", "cdk" };
	static const char *const locks[] = { "none", "legacy", "v1", "both" }; /* as the bits have it */

	switch (which) {
	case OPT_PORT:
		s->port = number(name, value, 65535);
		return;
	case OPT_UNITS:
		units(value, &s->mint);
		return;
	case OPT_FEE:
		s->mint.input_fee_ppk = number(name, value, KEYSET_FEE_PPK_MAX);
		return;
	case OPT_KEYSETS:
		s->mint.version = choice(name, value, versions, 2) == 0 ? KEYSET_V1 : KEYSET_V2;
		return;
	case OPT_DIALECT:
		s->mint.dialect = choice(name, value, dialects, 2) == 0 ? MINT_NUTSHELL : MINT_CDK;
		return;
	case OPT_DELAY:
		s->mint.pay_delay_ms = signed_number(name, value);
		return;
	case OPT_TTL:
		s->mint.quote_ttl_s = (int64_t)number(name, value, INT32_MAX);
		return;
	case OPT_LOCK:
		s->mint.quote_lock = (unsigned)choice(name, value, locks, 4);
		return;
	case OPT_CACHE:
		s->mint.cache_ttl_s = (int64_t)number(name, value, INT32_MAX);
		return;
	case OPT_NO_DLEQ:
		s->mint.dleq = false;
		return;
	case OPT_MAX:
		s->mint.max_amount = number(name, value, AMOUNT_MAX);
		return;
	case OPT_SEED:
		s->mint.seed = value;
		return;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static void options(int argc, char **argv, struct settings *s)
{
	int which, i;

	*s = (struct settings){ .mint = { .seed = "walletd-testmint, nothing of value",
					  .version = KEYSET_V2,
					  .dialect = MINT_NUTSHELL,
					  .quote_lock = MINT_LOCK_LEGACY | MINT_LOCK_V1,
					  .dleq = true,
					  .quote_ttl_s = 3600,
					  .max_amount = 1000 * 1000 * 1000 } };
	units("sat,usd", &s->mint);
	while ((which = getopt_long(argc, argv, "", long_options, &i)) != -1)
		option(which, which == '?' ? "" : long_options[i].name, optarg, s);
	if (optind != argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

static void on_signal(evutil_socket_t number_, short what, void *ctx)
{
	(void)number_;
	(void)what;
	loop_stop(ctx);
}

static int serve(const struct settings *s, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct event *events[ARRAY_LEN(signals)];
	struct mint mint;
	struct front *front;
	struct loop *loop;
	int rc;

	if (loop_new(&loop, err) != 0)
		return -1;
	mint_init(&mint, &s->mint);
	rc = front_new(loop, &mint, (uint16_t)s->port, &front, err);
	if (rc == 0) {
		for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
			events[i] = evsignal_new(loop_base(loop), signals[i], on_signal, loop);
			if (events[i] == NULL || event_add(events[i], NULL) != 0)
				err_fatal("cannot wait for signals");
		}
		printf("http://127.0.0.1:%u\n", front_port(front));
		fflush(stdout);
		rc = loop_run(loop, err);
		for (size_t i = 0; i < ARRAY_LEN(signals); i++)
			event_free(events[i]);
		front_free(front);
	}
	mint_done(&mint);
	loop_free(loop);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings s;
	uint8_t random[32];
	struct err err;

	options(argc, argv, &s);
	signal(SIGPIPE, SIG_IGN);
	if (!secret_init())
		err_fatal("libsodium does not start");
	rng_bytes(random, sizeof(random));
	if (!secp_init(random))
		err_fatal("libsecp256k1 does not start");
	if (serve(&s, &err) != 0) {
		fprintf(stderr, "walletd-testmint: %s\n", err.msg);
		return 1;
	}
	return 0;
}
