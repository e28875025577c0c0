#include "actions/peer_load.h"

#include <stdio.h>

#include "tests/support/suite.h"

static struct peer_loads loads;

START_TEST(each_is_counted_for_itself)
{
	struct peer_load *a = peer_load_enter(&loads, "https://a"), *b = peer_load_enter(&loads, "https://b");

	ck_assert_ptr_eq(peer_load_enter(&loads, "https://a"), a);
	ck_assert_ptr_ne(a, b);
	ck_assert(peer_load_is(&loads, "https://a", 2) && !peer_load_is(&loads, "https://b", 2));
	ck_assert(peer_load_any_is(&loads, 2) && !peer_load_any_is(&loads, 3));
	peer_load_leave(a);
	ck_assert(!peer_load_is(&loads, "https://a", 2) && !peer_load_any_is(&loads, 2));
	peer_load_leave(a);
	peer_load_leave(b);
	ck_assert(!peer_load_any_is(&loads, 1));
}
END_TEST

START_TEST(nobody_is_never_full)
{
	ck_assert_ptr_null(peer_load_enter(&loads, NULL));
	ck_assert(!peer_load_is(&loads, NULL, 1));
	peer_load_leave(NULL);
}
END_TEST

/* Then a peer is let through uncounted, until another has gone. */
START_TEST(more_peers_than_are_counted)
{
	struct peer_load *all[PEERS_MAX];
	char name[32];

	for (int i = 0; i < PEERS_MAX; i++) {
		snprintf(name, sizeof(name), "https://%d", i);
		all[i] = peer_load_enter(&loads, name);
		ck_assert_ptr_nonnull(all[i]);
	}
	ck_assert_ptr_null(peer_load_enter(&loads, "https://more"));
	ck_assert(!peer_load_is(&loads, "https://more", 1));
	peer_load_leave(all[7]);
	all[7] = peer_load_enter(&loads, "https://more");
	ck_assert(peer_load_is(&loads, "https://more", 1) && !peer_load_is(&loads, "https://7", 1));
	for (int i = 0; i < PEERS_MAX; i++)
		peer_load_leave(all[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("actions/peer_load");
	TCase *tc = tcase_create("loads");

	tcase_add_test(tc, each_is_counted_for_itself);
	tcase_add_test(tc, nobody_is_never_full);
	tcase_add_test(tc, more_peers_than_are_counted);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
