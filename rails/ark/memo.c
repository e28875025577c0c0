#include "rails/ark/memo.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/musig.h"
#include "rails/bitcoin/secp.h"

/* What the question is about, so that no two kinds of it are ever the same. */
enum topic { AGGREGATE = 'a', TWEAK = 't', VERIFY = 'v' };

struct ark_memo ark_memo_in(struct arena *a, size_t n)
{
	assert(n >= 2 && (n & (n - 1)) == 0);
	return (struct ark_memo){ ARENA_ARRAY(a, n, struct ark_memo_entry), n };
}

static void ask(enum topic topic, struct bytes about, struct hash32 *ret)
{
	const uint8_t first = (uint8_t)topic;

	sha256_two((struct bytes){ &first, 1 }, about, ret);
}

/* Each question has two places, which are neighbours: what is new takes the first, and what stood there the second. */
static struct ark_memo_entry *place_of(const struct ark_memo *m, const struct hash32 *question, size_t which)
{
	uint64_t spread;

	memcpy(&spread, question->b, sizeof(spread));
	return &m->entries[(spread & (m->n - 1)) ^ which];
}

static bool recall(const struct ark_memo *m, const struct hash32 *question, struct pubkey *ret)
{
	for (size_t which = 0; m != NULL && which < 2; which++) {
		const struct ark_memo_entry *e = place_of(m, question, which);

		if (e->used && hash32_equal(&e->question, question)) {
			*ret = e->answer;
			return true;
		}
	}
	return false;
}

static void keep(struct ark_memo *m, const struct hash32 *question, const struct pubkey *answer)
{
	if (m == NULL)
		return;
	*place_of(m, question, 1) = *place_of(m, question, 0);
	*place_of(m, question, 0) = (struct ark_memo_entry){ *question, *answer, true };
}

int ark_memo_aggregate(struct ark_memo *m, const struct pubkey *keys, size_t n, struct pubkey *ret, struct err *err)
{
	struct hash32 question;
	struct musig_keys sum;

	ask(AGGREGATE, (struct bytes){ (const uint8_t *)keys, n * sizeof(*keys) }, &question);
	if (recall(m, &question, ret))
		return 0;
	if (musig_keys_make(keys, n, &sum, err) != 0)
		return -1;
	*ret = sum.aggregate;
	keep(m, &question, ret);
	return 0;
}

bool ark_memo_tweak(struct ark_memo *m, const struct xonly *x, const struct hash32 *tweak, struct tap_output *ret)
{
	uint8_t both[64];
	struct hash32 question;
	struct pubkey sum;

	memcpy(both, x->b, 32);
	memcpy(both + 32, tweak->b, 32);
	ask(TWEAK, (struct bytes){ both, sizeof(both) }, &question);
	if (recall(m, &question, &sum)) {
		*ret = (struct tap_output){ secp_xonly_of(&sum), sum.b[0] == 3 };
		return true;
	}
	if (!secp_xonly_tweak_add(x, tweak, &ret->key, &ret->odd))
		return false;
	sum.b[0] = ret->odd ? 3 : 2;
	memcpy(sum.b + 1, ret->key.b, 32);
	keep(m, &question, &sum);
	return true;
}

bool ark_memo_verify(struct ark_memo *m, const struct xonly *key, const struct hash32 *msg, const uint8_t sig[64])
{
	static const struct pubkey yes = { { 1 } }; /* of signatures only those that verify are kept */
	uint8_t all[128];
	struct hash32 question;
	struct pubkey answer;

	memcpy(all, key->b, 32);
	memcpy(all + 32, msg->b, 32);
	memcpy(all + 64, sig, 64);
	ask(VERIFY, (struct bytes){ all, sizeof(all) }, &question);
	if (recall(m, &question, &answer))
		return true;
	if (!secp_xonly_verify(key, msg, sig))
		return false;
	keep(m, &question, &yes);
	return true;
}
