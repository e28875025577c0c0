/* Vectors: tests/vectors/evm/keccak256.json (made with three other implementations; they name SHA3-256 beside it). */
#include "rails/evm/keccak.h"

#include <string.h>

#include "base/text.h"
#include "tests/support/evm.h"
#include "tests/support/suite.h"

START_TEST(vectors)
{
	json_t *list = json_object_get(vectors_load("evm/keccak256.json"), "vectors"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 16);
	json_array_foreach(list, i, v)
	{
		struct bytes input = vec_0x(v, "input");
		struct hash32 want = vec_hash(v, "keccak256"), sha3 = vec_hash(v, "sha3_256"), h;

		keccak256(input, &h);
		ck_assert_msg(hash32_equal(&h, &want), "%s", vec_str(v, "name"));
		ck_assert(!hash32_equal(&h, &sha3));
	}
}
END_TEST

/* Wherever the input is cut, and however small the pieces are. */
START_TEST(in_pieces)
{
	uint8_t text[3 * KECCAK_RATE + 7];
	struct hash32 want, h;
	struct keccak k;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	keccak256((struct bytes){ text, sizeof(text) }, &want);
	for (size_t cut = 0; cut <= sizeof(text); cut++) {
		keccak_init(&k);
		keccak_update(&k, (struct bytes){ text, cut });
		keccak_update(&k, (struct bytes){ 0 });
		keccak_update(&k, (struct bytes){ text + cut, sizeof(text) - cut });
		keccak_final(&k, &h);
		ck_assert(hash32_equal(&h, &want));
	}
	keccak_init(&k);
	for (size_t i = 0; i < sizeof(text); i++)
		keccak_update(&k, (struct bytes){ text + i, 1 });
	keccak_final(&k, &h);
	ck_assert(hash32_equal(&h, &want));
}
END_TEST

START_TEST(result_may_overwrite_the_input)
{
	struct hash32 h = { { 1, 2, 3 } }, want;

	keccak256((struct bytes){ h.b, sizeof(h.b) }, &want);
	keccak256((struct bytes){ h.b, sizeof(h.b) }, &h);
	ck_assert(hash32_equal(&h, &want));
}
END_TEST

START_TEST(the_library_is_right)
{
	ck_assert(keccak_self_test());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/evm/keccak");
	TCase *c = rails_case(s, "keccak");

	tcase_add_test(c, vectors);
	tcase_add_test(c, in_pieces);
	tcase_add_test(c, result_may_overwrite_the_input);
	tcase_add_test(c, the_library_is_right);
	return suite_run(s);
}
