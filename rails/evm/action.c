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
	{ "system_withdraw_token",
	  true,
	  DIRECTIVE_PAYLOAD_MAX,
	  withdraw_token,
	  { { 0xad, 0xdf, 0xe9, 0x2e, 0x57, 0x02, 0x11, 0x95, 0xb1, 0x0c, 0x6c, 0x5a, 0x53, 0xa7, 0x1a, 0x07,
	      0x6f, 0xeb, 0x60, 0xcc, 0xdd, 0xcb, 0x0a, 0xed, 0xda, 0x3c, 0xec, 0x9d, 0x5c, 0xfd, 0x4b, 0x8a } } },
	{ "system_credit_option",
	  true,
	  DIRECTIVE_PAYLOAD_MAX,
	  credit_option,
	  { { 0x5d, 0x3b, 0x87, 0x6e, 0x1d, 0x28, 0xd3, 0x3b, 0x4d, 0xbc, 0x78, 0x01, 0xa2, 0x69, 0x47, 0x09,
	      0x21, 0x58, 0x82, 0xd5, 0x3d, 0x23, 0x2a, 0x26, 0x70, 0x88, 0x7a, 0x94, 0xb6, 0x94, 0x3a, 0x04 } } },
	{ "rsm_hl_limit_order",
	  false,
	  DIRECTIVE_PAYLOAD_MAX,
	  limit_order,
	  { { 0xe0, 0xe4, 0x12, 0x14, 0x9f, 0x1d, 0xdf, 0xfe, 0x2d, 0x04, 0xe3, 0x07, 0xc5, 0x05, 0x4d, 0x53,
	      0x99, 0x2e, 0x19, 0x3d, 0x9b, 0x1a, 0xb4, 0x01, 0xf6, 0x9b, 0xc8, 0x96, 0x65, 0x72, 0x71, 0xb1 } } },
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
