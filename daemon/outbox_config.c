#include "daemon/outbox_config.h"

#include <string.h>

#include "base/text.h"
#include "conf/evm.h"
#include "daemon/keyfile.h"
#include "daemon/passphrase.h"
#include "rails/evm/address.h"

#define ATTEMPT_LIMIT_S 300 /* spec/outbox.md G7 */
#define WEI_PER_GWEI    UINT64_C(1000000000)
#define KEY_FILE_MAX    65536

/* conf/evm.c keeps every price far below what fits. */
static struct gas_price price(int64_t wei)
{
	struct gas_price p;

	if (!gas_price_from_u64((uint64_t)wei, &p))
		err_fatal("a configured gas price passes its own limit");
	return p;
}

static struct outbox_chain_config chain_of(const struct conf_evm_chain *c)
{
	return (struct outbox_chain_config){
		.chain_id = (uint64_t)c->chain_id,
		.urls = c->rpc,
		.n_urls = c->n_rpc,
		.confirmations = (unsigned)c->confirmations,
		.lanes = (unsigned)c->lanes,
		.relayers = c->relayers,
		.n_relayers = c->n_relayers,
		.block_time_ms = c->block_time_ms,
		.max_fee = price(c->max_fee_gwei * (int64_t)WEI_PER_GWEI),
		.max_tip = price(c->max_tip_gwei * (int64_t)WEI_PER_GWEI),
		.min_tip = price(c->min_tip_wei),
		.max_tx_gwei = (uint64_t)c->max_tx_fee_gwei,
		.max_day_gwei = (uint64_t)c->max_day_fee_gwei,
		.batch_max = (unsigned)c->batch,
		.slots_max = (unsigned)c->slots,
		.log_range = (uint64_t)c->log_range,
		.nonce_check_required = c->nonce_check == CONF_NONCE_REQUIRED,
	};
}

static int space_of(const struct conf_outbox_space *s, struct outbox_space_config *ret, struct err *err)
{
	static const enum space_ordering orderings[] = {
		[CONF_ORDER_NONE] = ORDER_NONE,
		[CONF_ORDER_ACCOUNT] = ORDER_ACCOUNT,
		[CONF_ORDER_SIGNER] = ORDER_SIGNER,
	};
	static const enum delivery_status releases[] = {
		[CONF_RELEASE_SUBMITTED] = DELIVERY_SUBMITTED,
		[CONF_RELEASE_INCLUDED] = DELIVERY_INCLUDED,
		[CONF_RELEASE_CONFIRMED] = DELIVERY_CONFIRMED,
	};

	*ret = (struct outbox_space_config){
		.chain_id = (uint64_t)s->chain_id,
		.signer = s->signer,
		.ordering = orderings[s->ordering],
		.release_at = (int)releases[s->release_at],
		.halt_on_terminal = s->halt_on_terminal == 1,
		.any_payload = s->payload == CONF_PAYLOAD_ANY,
		.deploy_block = (uint64_t)s->deploy_block,
	};
	if (evm_address_parse(s->contract, &ret->contract, err) == 0)
		return 0;
	err->code = ERR_CONFIG;
	err->class = err_class_of(ERR_CONFIG);
	err_context(err, "outbox_space: contract=%s", s->contract);
	return err_field(err, "outbox_space");
}

int outbox_config_read(struct arena *a, const struct config *conf, struct outbox_options *ret, struct err *err)
{
	struct outbox_chain_config *to_chains;
	struct outbox_space_config *to_spaces;
	struct conf_outbox_space *spaces;
	struct conf_evm_chain *chains;
	size_t n_chains, n_spaces;

	/* conf_load() has checked all of this but the checksums. */
	if (conf_evm_chains(a, &conf->evm_chain, &chains, &n_chains, err) != 0 ||
	    conf_outbox_spaces(a, &conf->outbox_space, chains, n_chains, &spaces, &n_spaces, err) != 0)
		return -1;
	to_chains = ARENA_ARRAY(a, n_chains, struct outbox_chain_config);
	to_spaces = ARENA_ARRAY(a, n_spaces, struct outbox_space_config);
	for (size_t i = 0; i < n_chains; i++)
		to_chains[i] = chain_of(&chains[i]);
	for (size_t i = 0; i < n_spaces; i++)
		if (space_of(&spaces[i], &to_spaces[i], err) != 0)
			return -1;
	ret->chains = to_chains;
	ret->n_chains = n_chains;
	ret->spaces = to_spaces;
	ret->n_spaces = n_spaces;
	ret->linger_ms = conf->outbox_linger_ms;
	ret->claim_lease_s = conf->outbox_claim_lease_s;
	ret->attempt_limit_s = conf->outbox_claim_lease_s * 5 / 7;
	if (ret->attempt_limit_s > ATTEMPT_LIMIT_S)
		ret->attempt_limit_s = ATTEMPT_LIMIT_S;
	ret->max_open = (uint64_t)conf->outbox_max_open;
	return 0;
}

struct key_places {
	const char *datadir, *credentials;
};

static int check_key(const struct key_places *at, const char *option, const char *ref, struct err *err)
{
	SCOPED(buf) struct buf json = BUF_SECRET(KEY_FILE_MAX);
	SCOPED(buf) struct buf password = BUF_SECRET(PASSPHRASE_MAX + 1);

	if (!text_starts(ref, "file:") ||
	    keyfile_read(at->datadir, at->credentials, ref + strlen("file:"), &json, &password, err) == 0)
		return 0;
	return err_field(err, option);
}

int outbox_config_check_keys(const struct outbox_options *opt, const char *datadir, const char *credentials,
			     struct err *err)
{
	const struct key_places at = { datadir, credentials };

	for (size_t i = 0; i < opt->n_chains; i++)
		for (size_t j = 0; j < opt->chains[i].n_relayers; j++)
			if (check_key(&at, "evm_chain", opt->chains[i].relayers[j], err) != 0)
				return -1;
	for (size_t i = 0; i < opt->n_spaces; i++)
		if (check_key(&at, "outbox_space", opt->spaces[i].signer, err) != 0)
			return -1;
	return 0;
}
