#include "rails/evm/fee.h"

static bool is_zero(struct gas_price p)
{
	return gas_price_value(p) == 0;
}

/* Of those that are not zero, the one that sorting would put into the middle.  Found by its rank: there are a handful. */
static struct gas_price median(const struct gas_price *rewards, size_t n)
{
	size_t counted = 0;

	for (size_t i = 0; i < n; i++)
		counted += !is_zero(rewards[i]);
	for (size_t i = 0; i < n; i++) {
		size_t below = 0, up_to = 0;

		for (size_t j = 0; j < n; j++) {
			below += !is_zero(rewards[j]) && gas_price_cmp(rewards[j], rewards[i]) < 0;
			up_to += !is_zero(rewards[j]) && gas_price_cmp(rewards[j], rewards[i]) <= 0;
		}
		if (!is_zero(rewards[i]) && below <= counted / 2 && counted / 2 < up_to)
			return rewards[i];
	}
	return (struct gas_price){ 0 };
}

bool evm_fee_quote(struct gas_price base_fee, const struct gas_price *rewards, size_t n,
		   const struct evm_fee_limits *limits, struct evm_fees *ret)
{
	struct gas_price tip = gas_price_min(gas_price_max(median(rewards, n), limits->min_tip), limits->max_tip);
	struct gas_price needed, max_fee;

	if (!gas_price_add(base_fee, tip, &needed) || gas_price_cmp(needed, limits->max_fee_cap) > 0)
		return false;
	/* Twice the base fee lasts for six full blocks, each of which raises it by an eighth. */
	if (!gas_price_add(needed, base_fee, &max_fee))
		max_fee = limits->max_fee_cap;
	*ret = (struct evm_fees){ .max_fee = gas_price_min(max_fee, limits->max_fee_cap), .max_priority_fee = tip };
	return true;
}

/* A pool wants strictly more, and floor(old * 110 / 100): rounding up satisfies every one of them. */
static bool bump(struct gas_price old, struct gas_price fresh, struct gas_price *ret)
{
	struct gas_price one, more, percent;

	if (!gas_price_from_u64(1, &one) || !gas_price_add(old, one, &more) ||
	    !gas_price_scale_ceil(old, 100 + EVM_PRICE_BUMP_PERCENT, 100, &percent))
		return false;
	*ret = gas_price_max(gas_price_max(percent, more), fresh);
	return true;
}

bool evm_fee_bump(const struct evm_fees *old, const struct evm_fees *fresh, struct gas_price cap, struct evm_fees *ret)
{
	struct evm_fees next;

	if (!bump(old->max_fee, fresh->max_fee, &next.max_fee) ||
	    !bump(old->max_priority_fee, fresh->max_priority_fee, &next.max_priority_fee) ||
	    gas_price_cmp(next.max_fee, cap) > 0)
		return false;
	/* EIP-1559: a tip above the max fee makes a transaction invalid.  Equal fees bump alike, so only odd input does. */
	if (gas_price_cmp(next.max_priority_fee, next.max_fee) > 0)
		return false;
	*ret = next;
	return true;
}

uint64_t evm_gas_cap(uint64_t block_gas_limit)
{
	uint64_t quarter = block_gas_limit / 4;

	return quarter < EVM_GAS_PER_TX_MAX ? quarter : EVM_GAS_PER_TX_MAX;
}

bool evm_gas_limit(uint64_t estimate, uint32_t percent, uint64_t block_gas_limit, uint64_t *ret)
{
	uint64_t cap = evm_gas_cap(block_gas_limit), limit;

	if (estimate > cap)
		return false;
	limit = (estimate * percent + 99) / 100 + EVM_GAS_SPARE; /* at most 2^24 times 2^32 */
	*ret = limit < cap ? limit : cap;
	return true;
}

uint32_t evm_gas_percent_raise(uint32_t percent)
{
	return percent < EVM_GAS_PERCENT_MAX * 2 / 3 ? percent * 3 / 2 : EVM_GAS_PERCENT_MAX;
}

uint64_t evm_gas_floor(struct bytes data)
{
	uint64_t gas = 21000;

	for (size_t i = 0; i < data.n; i++)
		gas += data.p[i] == 0 ? 10 : 40;
	return gas;
}
