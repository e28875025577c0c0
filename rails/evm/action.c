#include "rails/evm/action.h"

#include <string.h>

#include "rails/evm/abi.h"
#include "rails/evm/directive.h"

static int verdict(const struct reader *r, const char *shape, struct err *err)
{
	if (reader_at_end(r))
		return 0;
	(void)ERR(err, ERR_PARAM, "the payload is not the ABI encoding of %s", shape);
	return err_field(err, "payload");
}

/* The numbers go up to 2^256 - 1: any word is one. */
static int withdraw_token(struct bytes payload, struct err *err)
{
	struct reader r = reader_of(payload);

	(void)abi_read_address(&r);
	(void)abi_read_address(&r);
	(void)abi_read_word(&r);
	return verdict(&r, "(address token, address to, uint256 amount)", err);
}

static int credit_option(struct bytes payload, struct err *err)
{
	struct reader r = reader_of(payload);

	(void)abi_read_word(&r);
	(void)abi_read_address(&r);
	(void)abi_read_word(&r);
	return verdict(&r, "(bytes32 optionId, address to, uint256 quantity)", err);
}

static int limit_order(struct bytes payload, struct err *err)
{
	struct reader r = reader_of(payload);
	struct hash32 cloid;

	(void)abi_read_uint(&r, 32);
	(void)abi_read_bool(&r);
	(void)abi_read_uint(&r, 64);
	(void)abi_read_uint(&r, 64);
	(void)abi_read_bool(&r);
	(void)abi_read_uint(&r, 8);
	cloid = abi_read_word(&r);
	if (!abi_word_fits(&cloid, 128))
		reader_fail(&r);
	return verdict(&r,
		       "(uint32 asset, bool isBuy, uint64 limitPx, uint64 sz, bool reduceOnly, uint8 encodedTif, "
		       "uint128 cloid)",
		       err);
}

static const struct evm_action actions[] = {
	{ "system_withdraw_token", true, DIRECTIVE_PAYLOAD_MAX, withdraw_token },
	{ "system_credit_option", true, DIRECTIVE_PAYLOAD_MAX, credit_option },
	{ "rsm_hl_limit_order", false, DIRECTIVE_PAYLOAD_MAX, limit_order },
};

const struct evm_action *evm_action_find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].key, key) == 0)
			return &actions[i];
	return NULL;
}

const struct evm_action *evm_actions(size_t *n)
{
	*n = ARRAY_LEN(actions);
	return actions;
}
