#include "base/err.h"

#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/suite.h"

START_TEST(error_says_what_and_where)
{
	struct err err;
	int line = __LINE__ + 1;
	int rc = ERR(&err, ERR_FUNDS, "%d sat short", 7);

	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(err.code, ERR_FUNDS);
	ck_assert_int_eq(err.class, ERR_INVALID);
	ck_assert_str_eq(err.msg, "7 sat short");
	ck_assert_str_eq(err.field, "");
	ck_assert_str_eq(err.hint, "");
	ck_assert_int_eq(err.line, line);
	ck_assert_ptr_nonnull(strstr(err.file, "test_err.c"));
	ck_assert_int_eq(err.peer_code, 0);
	ck_assert_int_eq(err.retry_after_s, 0);
}
END_TEST

START_TEST(new_error_forgets_the_old_one)
{
	struct err err;

	(void)ERR(&err, ERR_PEER, "no");
	err.peer_code = 11001;
	err.retry_after_s = 5;
	(void)err_field(&err, "amount");
	(void)err_hint(&err, "try later");
	(void)ERR(&err, ERR_IO, "disk");
	ck_assert_int_eq(err.peer_code, 0);
	ck_assert_int_eq(err.retry_after_s, 0);
	ck_assert_str_eq(err.field, "");
	ck_assert_str_eq(err.hint, "");
}
END_TEST

START_TEST(error_may_be_made_of_itself)
{
	struct err err;

	(void)ERR(&err, ERR_IO, "disk");
	(void)ERR(&err, ERR_STORAGE, "store: %s", err.msg);
	ck_assert_str_eq(err.msg, "store: disk");
	(void)err_context(&err, "again %s", err.msg);
	ck_assert_str_eq(err.msg, "again store: disk: store: disk");
	(void)err_hint(&err, "see %s", err.msg);
	ck_assert_str_eq(err.hint, "see again store: disk: store: disk");
}
END_TEST

START_TEST(context_keeps_code_class_and_origin)
{
	struct err err;
	int line = __LINE__ + 1;
	int rc = ERR(&err, ERR_TIMEOUT, "no answer");

	rc += err_field(&err, "mint");
	rc += err_hint(&err, "walletctl %s", "wait");
	rc += err_context(&err, "mint %s", "m.example");
	ck_assert_int_eq(rc, -4);
	ck_assert_int_eq(err.code, ERR_TIMEOUT);
	ck_assert_int_eq(err.class, ERR_TRANSIENT);
	ck_assert_int_eq(err.line, line);
	ck_assert_str_eq(err.msg, "mint m.example: no answer");
	ck_assert_str_eq(err.field, "mint");
	ck_assert_str_eq(err.hint, "walletctl wait");
}
END_TEST

static void context_of_nothing(void)
{
	struct err err;

	err_clear(&err);
	(void)err_context(&err, "nothing");
}

START_TEST(context_of_no_error_is_a_bug)
{
	ck_assert_int_eq(suite_signal_of(context_of_nothing), SIGABRT);
}
END_TEST

START_TEST(texts_are_cut_to_fit)
{
	char text[1000];
	struct err err;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)ERR(&err, ERR_PEER, "%s", text);
	(void)err_field(&err, text);
	(void)err_hint(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	ck_assert_uint_eq(strlen(err.field), ERR_FIELD_MAX - 1);
	ck_assert_uint_eq(strlen(err.hint), ERR_HINT_MAX - 1);
	(void)err_context(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	(void)ERR(&err, ERR_PEER, "short");
	(void)err_context(&err, "%.*s", ERR_MSG_MAX - 4, text);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	ck_assert_str_eq(err.msg + ERR_MSG_MAX - 4, ": s");
}
END_TEST

/* A character of two, three and four bytes, shifted so that the cut falls on each of its bytes. */
static const char *const wide[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

START_TEST(cut_never_splits_a_character)
{
	const char *c = wide[_i];
	size_t n = strlen(c);

	for (size_t shift = 0; shift < n; shift++) {
		SCOPED(buf) struct buf long_text = BUF_CAP(1000);
		const char *text;
		struct err err;

		buf_printf(&long_text, "%.*s", (int)shift, "xxxx");
		while (long_text.n < ERR_MSG_MAX + 8)
			buf_text_add(&long_text, c);
		text = buf_text(&long_text);
		(void)ERR(&err, ERR_PEER, "%s", text);
		ck_assert(utf8_valid(bytes_of(err.msg)));
		ck_assert_uint_eq(strlen(err.msg), shift + (ERR_MSG_MAX - 1 - shift) / n * n);
		(void)err_field(&err, text);
		ck_assert(utf8_valid(bytes_of(err.field)));
		ck_assert_uint_eq(strlen(err.field), shift + (ERR_FIELD_MAX - 1 - shift) / n * n);
		(void)err_context(&err, "p");
		ck_assert(utf8_valid(bytes_of(err.msg)));
	}
}
END_TEST

START_TEST(cut_of_stray_bytes_stays_inside)
{
	char text[1000];
	struct err err;

	memset(text, 0x80, sizeof(text) - 1); /* nothing but continuations */
	text[sizeof(text) - 1] = '\0';
	(void)ERR(&err, ERR_PEER, "%s", text);
	ck_assert_uint_le(strlen(err.msg), ERR_MSG_MAX - 1);
	ck_assert_uint_ge(strlen(err.msg), ERR_MSG_MAX - 5);
}
END_TEST

START_TEST(kinds_map_both_ways_and_are_all_different)
{
	static const struct {
		enum err_code code;
		const char *kind;
		enum err_class class;
	} all[] = {
#define ROW(code_, kind_, class_) { code_, kind_, class_ },
		ERR_CODES(ROW)
#undef ROW
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert_str_eq(err_kind(all[i].code), all[i].kind);
		ck_assert_int_eq(err_code_of(all[i].kind), all[i].code);
		ck_assert_int_eq(err_class_of(all[i].code), all[i].class);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(all[i].kind, all[j].kind);
	}
}
END_TEST

START_TEST(no_error_and_unknown_kinds_have_names)
{
	ck_assert_str_eq(err_kind(ERR_NONE), "none");
	ck_assert_int_eq(err_code_of("no_such_kind"), ERR_INTERNAL);
	ck_assert_int_eq(err_code_of(""), ERR_INTERNAL);
}
END_TEST

/* What a client may have built upon. */
START_TEST(kinds_keep_their_class)
{
	ck_assert_int_eq(err_class_of(ERR_PEER_DOWN), ERR_TRANSIENT);
	ck_assert_int_eq(err_class_of(ERR_PEER_INVALID), ERR_TRANSIENT); /* a peer that lies has not said no */
	ck_assert_int_eq(err_class_of(ERR_PEER), ERR_REJECTED);
	ck_assert_int_eq(err_class_of(ERR_CONFLICT), ERR_CONFLICTING);
	ck_assert_int_eq(err_class_of(ERR_STORAGE_FULL), ERR_STORE);
	ck_assert_int_eq(err_class_of(ERR_INTERNAL), ERR_BUG);
	ck_assert_int_eq(err_class_of(ERR_NONE), ERR_BUG);
}
END_TEST

static void fatal(void)
{
	err_fatal("test");
}

START_TEST(fatal_aborts)
{
	ck_assert_int_eq(suite_signal_of(fatal), SIGABRT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base/err");
	TCase *t = tcase_create("errors");

	tcase_add_test(t, error_says_what_and_where);
	tcase_add_test(t, new_error_forgets_the_old_one);
	tcase_add_test(t, error_may_be_made_of_itself);
	tcase_add_test(t, context_keeps_code_class_and_origin);
	tcase_add_test(t, context_of_no_error_is_a_bug);
	tcase_add_test(t, texts_are_cut_to_fit);
	tcase_add_loop_test(t, cut_never_splits_a_character, 0, ARRAY_LEN(wide));
	tcase_add_test(t, cut_of_stray_bytes_stays_inside);
	tcase_add_test(t, kinds_map_both_ways_and_are_all_different);
	tcase_add_test(t, no_error_and_unknown_kinds_have_names);
	tcase_add_test(t, kinds_keep_their_class);
	tcase_add_test(t, fatal_aborts);
	suite_add_tcase(s, t);
	return suite_run(s);
}
