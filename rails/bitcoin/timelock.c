#include "rails/bitcoin/timelock.h"

#include "rails/bitcoin/script.h"

#define NO_RELATIVE (1u << 31)
#define IN_SECONDS  (1u << 22)
#define GRANULARITY 512u

uint32_t sequence_blocks(uint16_t blocks)
{
	return blocks;
}

bool sequence_seconds_ceil(uint32_t seconds, uint32_t *ret)
{
	uint32_t steps = seconds / GRANULARITY + (seconds % GRANULARITY != 0);

	if (steps > UINT16_MAX)
		return false;
	*ret = IN_SECONDS | steps;
	return true;
}

enum relative_unit sequence_relative(uint32_t sequence, uint16_t *ret)
{
	if ((sequence & NO_RELATIVE) != 0)
		return RELATIVE_NONE;
	*ret = (uint16_t)sequence;
	return (sequence & IN_SECONDS) != 0 ? RELATIVE_512_SECONDS : RELATIVE_BLOCKS;
}

bool sequence_signals_replacement(uint32_t sequence)
{
	return sequence <= SEQUENCE_REPLACE;
}

void script_csv(struct buf *b, uint32_t sequence)
{
	script_push_number(b, sequence);
	script_op(b, OP_CHECKSEQUENCEVERIFY);
	script_op(b, OP_DROP);
}

void script_cltv(struct buf *b, uint32_t locktime)
{
	script_push_number(b, locktime);
	script_op(b, OP_CHECKLOCKTIMEVERIFY);
	script_op(b, OP_DROP);
}
