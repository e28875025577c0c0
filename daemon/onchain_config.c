#include "daemon/onchain_config.h"

#include <string.h>

#include "daemon/passphrase.h"

static struct sat sat_of(int64_t v)
{
	struct sat ret;

	if (!sat_from_u64((uint64_t)v, &ret))
		err_fatal("a configured amount passes its own limit");
	return ret;
}

/* The table of options keeps every rate far below what fits. */
static struct feerate rate_of(int64_t sat_per_vb)
{
	struct feerate rate;

	if (!feerate_from_sat_per_kwu((uint64_t)sat_per_vb * 250, &rate))
		err_fatal("a configured feerate passes its own limit");
	return rate;
}

struct onchain_policy onchain_config_policy(const struct config *conf)
{
	return (struct onchain_policy){
		.network = (enum network)conf->network,
		.confirmations = (unsigned)conf->onchain_confirmations,
		.max_feerate = rate_of(conf->onchain_max_feerate),
		.spend_change = conf->onchain_spend_change,
		.exit_reserve = sat_of(conf->exit_reserve_sat),
		.single_chain = conf->onchain_single_chain,
	};
}

static int read_login(const struct config *conf, struct buf *login, struct err *err)
{
	if (!conf->bitcoind_auth_file)
		return 0;
	if (conf->bitcoind_cookie) {
		ERR(err, ERR_CONFIG, "bitcoind_auth_file: there is a bitcoind_cookie too; give one of them");
		return err_field(err, "bitcoind_auth_file");
	}
	if (passphrase_file(conf->bitcoind_auth_file, login, err) != 0) {
		err_context(err, "bitcoind_auth_file");
		return err_field(err, "bitcoind_auth_file");
	}
	if (strchr(buf_text(login), ':'))
		return 0;
	ERR(err, ERR_CONFIG, "bitcoind_auth_file: %s does not begin with user:password", conf->bitcoind_auth_file);
	return err_field(err, "bitcoind_auth_file");
}

/* What goes with bitcoind alone. */
static int check_alone(const struct config *conf, struct err *err)
{
	const char *needless = conf->bitcoind_cookie      ? "bitcoind_cookie"
			       : conf->bitcoind_auth_file ? "bitcoind_auth_file"
							  : NULL;

	if (conf->bitcoind_url.n > 0 && conf->esplora_url.n > 0) {
		ERR(err, ERR_CONFIG, "esplora_url: there is a bitcoind_url too; give one of them");
		return err_field(err, "esplora_url");
	}
	if (conf->bitcoind_url.n > 0 || !needless)
		return 0;
	ERR(err, ERR_CONFIG, "%s: there is no bitcoind_url that it is for", needless);
	return err_field(err, needless);
}

int onchain_config_nodes(struct arena *a, const struct config *conf, struct buf *login, struct chain_options *ret,
			 struct err *err)
{
	bool bitcoind = conf->bitcoind_url.n > 0;
	const struct conf_list *urls = bitcoind ? &conf->bitcoind_url : &conf->esplora_url;
	struct chain_backend_options *b = ARENA_ARRAY(a, urls->n + 1, struct chain_backend_options);
	struct feerate *fallback = ARENA_NEW(a, struct feerate);

	if (check_alone(conf, err) != 0 || read_login(conf, login, err) != 0)
		return -1;
	for (size_t i = 0; i < urls->n; i++) {
		b[i].url = urls->items[i];
		b[i].cookie_file = conf->bitcoind_cookie;
		b[i].login = conf->bitcoind_auth_file ? buf_text(login) : NULL;
	}
	*fallback = rate_of(conf->onchain_fallback_feerate);
	ret->network = (enum network)conf->network;
	ret->kind = bitcoind ? CHAIN_BITCOIND : CHAIN_ESPLORA;
	ret->backends = b;
	ret->n_backends = urls->n;
	ret->fee_fallback = conf->onchain_fallback_feerate > 0 ? fallback : NULL;
	return 0;
}
