/* rails/evm/fee.h - what a transaction may cost: fees per gas (EIP-1559), their replacement, and gas (EIP-7623, 7825).
 *
 * Pure.  `false` is an answer, not a failure: not at this price, or not in one transaction.  *ret is then untouched. */
#ifndef RAILS_EVM_FEE_H
#define RAILS_EVM_FEE_H

#include "base/amount.h"
#include "base/buf.h"

struct evm_fees {
	struct gas_price max_fee;          /* of base fee and tip together */
	struct gas_price max_priority_fee; /* the tip; never above max_fee */
};

struct evm_fee_limits {
	struct gas_price min_tip, max_tip; /* max_tip wins where they cross */
	struct gas_price max_fee_cap;
};

/* Tip: the median of the rewards that are not zero (of two in the middle the higher), within the limits.  Max fee: twice
 * the base fee and the tip, at most the cap.  base_fee is the next block's, rewards are those that a percentile of recent
 * blocks paid.  False: base fee and tip alone pass the cap, so wait. */
MUST_CHECK bool evm_fee_quote(struct gas_price base_fee, const struct gas_price *rewards, size_t n,
			      const struct evm_fee_limits *limits, struct evm_fees *ret);

#define EVM_PRICE_BUMP_PERCENT 10
/* The next attempt of a slot: for both fees the highest of ceil(old * 110 / 100), old + 1 and the fresh quote, which
 * every pool takes that asks for 10 percent more.  False: the cap does not allow it, so the old attempt stays. */
MUST_CHECK bool evm_fee_bump(const struct evm_fees *old, const struct evm_fees *fresh, struct gas_price cap,
			     struct evm_fees *ret);

#define EVM_GAS_PER_TX_MAX  UINT64_C(16777216) /* EIP-7825 */
#define EVM_GAS_SPARE       5000
#define EVM_GAS_PERCENT     120 /* of the estimate */
#define EVM_GAS_PERCENT_MAX 300
/* ceil(estimate * percent / 100) + EVM_GAS_SPARE, at most what evm_gas_cap() allows.  False: the estimate alone is above
 * that. */
MUST_CHECK bool evm_gas_limit(uint64_t estimate, uint32_t percent, uint64_t block_gas_limit, uint64_t *ret);
uint64_t evm_gas_cap(uint64_t block_gas_limit); /* min(block_gas_limit / 4, EVM_GAS_PER_TX_MAX) */
/* After a transaction ran out of gas: half as much again, up to EVM_GAS_PERCENT_MAX. */
uint32_t evm_gas_percent_raise(uint32_t percent);
/* The least gas that a call with this data is charged, whatever it does: 21000, and 10 for a zero byte, 40 for another
 * (EIP-7623). */
uint64_t evm_gas_floor(struct bytes data);

#endif
