#include "tests/peers/testmint/faults.h"

#include <string.h>

#include "base/text.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/wire.h"

#define DELAY_MS_MAX (600 * 1000)

static const struct {
	enum fault_mode mode;
	const char *name;
} modes[] = {
#define FAULT_ROW(mode, name) { mode, name },
	FAULT_MODES(FAULT_ROW)
#undef FAULT_ROW
};

static int mode_parse(const char *name, enum fault_mode *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].name, name) == 0) {
			*ret = modes[i].mode;
			return 0;
		}
	return ERR(err, ERR_PARAM, "there is no mode %s", name);
}

static int read_text(const json_t *v, const char *name, char *to, size_t max, struct err *err)
{
	const char *text = to;

	if (json_opt_str(v, name, max, &text, err) != 0)
		return -1;
	if (text != to)
		memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int fault_read(const json_t *v, struct fault *ret, struct err *err)
{
	struct fault f = { .ms = 1000, .detail = "as the test wishes", .state = "UNSPENT", .bytes = 50 * 1000 * 1000 };
	uint64_t nth = 1, count = 1, ms = (uint64_t)f.ms, status = 500, retry_after_s = 1;
	int64_t code = -1;
	const char *mode;

	if (json_get_str(v, "mode", 63, &mode, err) != 0 || mode_parse(mode, &f.mode, err) != 0 ||
	    read_text(v, "path", f.path, FAULT_PATH_MAX, err) != 0 || json_opt_u64(v, "nth", 1000000, &nth, err) != 0 ||
	    json_opt_u64(v, "count", 1000000, &count, err) != 0 || json_opt_u64(v, "ms", DELAY_MS_MAX, &ms, err) != 0 ||
	    json_opt_u64(v, "status", 599, &status, err) != 0 || json_opt_i64(v, "code", &code, err) != 0 ||
	    json_opt_u64(v, "retry_after_s", 3600, &retry_after_s, err) != 0 ||
	    json_opt_u64(v, "bytes", 1000 * 1000 * 1000, &f.bytes, err) != 0 ||
	    read_text(v, "detail", f.detail, FAULT_DETAIL_MAX, err) != 0 ||
	    read_text(v, "state", f.state, sizeof(f.state) - 1, err) != 0)
		return -1;
	if (f.path[0] == '\0' || nth == 0)
		return ERR(err, ERR_PARAM, "a path, and nth from 1, are needed");
	f.skip = nth - 1;
	f.count = count == 0 ? UINT64_MAX : count;
	f.ms = (int64_t)ms;
	f.status = (int)status;
	f.code = code < -1 || code > 99999 ? -1 : (int)code;
	f.retry_after_s = (int)retry_after_s;
	f.set = json_incref(json_object_get(v, "set"));
	*ret = f;
	return 0;
}

int faults_add(struct faults *f, const json_t *wanted, struct err *err)
{
	if (f->n == FAULTS_MAX)
		return ERR(err, ERR_RANGE, "%d faults already wait", FAULTS_MAX);
	if (fault_read(wanted, &f->v[f->n], err) != 0)
		return -1;
	f->n++;
	return 0;
}

void faults_clear(struct faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		json_decref(f->v[i].set);
	f->n = 0;
}

static bool path_fits(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? strncmp(pattern, path, n - 1) == 0 : strcmp(pattern, path) == 0;
}

struct fault faults_take(struct faults *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++) {
		struct fault *e = &f->v[i];

		if (e->count == 0 || !path_fits(e->path, path))
			continue;
		if (e->skip > 0) {
			e->skip--;
			continue;
		}
		if (e->count != UINT64_MAX)
			e->count--;
		return *e;
	}
	return (struct fault){ .mode = FAULT_NONE };
}

uint64_t faults_left(const struct faults *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].count == UINT64_MAX ? 1 : f->v[i].count;
	return n;
}

/* --- lies --- */

/* A keyset that the mint does not list. */
static void rogue_keyset(const struct mint *m, struct arena *a, const struct keyset_id *like, struct mint_keyset *ret)
{
	const struct mint_keyset *ks = mint_keyset(m, like);

	mint_keyset_make(a, "rogue", keyset_id_version(like), ks->pub.unit.s, CASHU_KEYS_MAX, ks->pub.input_fee_ppk, 0,
			 ret);
}

/* The outputs that the signatures of this answer are over. */
static json_t *outputs_of(const struct mint_call *call, const struct mint_answer *ans)
{
	json_t *own = json_object_get(ans->body, "outputs");

	return own != NULL ? own : json_object_get(call->json, "outputs");
}

/* Sign all of them again: amounts times `factor`, by the rogue's keys, under the rogue's id or the honest one. */
static void sign_again(const struct mint *m, struct arena *a, const struct mint_call *call, struct mint_answer *ans,
		       uint64_t factor, bool rogue, bool rogue_id)
{
	struct mint_keyset *other = ARENA_NEW(a, struct mint_keyset);
	const json_t *outputs = outputs_of(call, ans);
	json_t *signatures = json_object_get(ans->body, "signatures"), *v;
	struct promise p;
	struct pubkey b;
	struct err err;
	size_t i;

	json_array_foreach(signatures, i, v)
	{
		const struct mint_keyset *ks;

		if (promise_parse(v, &p, &err) != 0 || wire_pubkey(json_array_get(outputs, i), "B_", &b, &err) != 0)
			err_fatal("an answer of our own does not parse");
		ks = mint_keyset(m, &p.keyset);
		if (rogue) {
			rogue_keyset(m, a, &p.keyset, other);
			if (!rogue_id)
				other->pub.id = p.keyset;
			ks = other;
		}
		if (!mint_sign(ks, p.amount * factor, &b, &p))
			err_fatal("cannot sign a lie");
		(void)json_array_set_new(signatures, i, mint_promise_json(&p, m->opts.dleq));
	}
}

static void flip_last_digit(json_t *obj, const char *name)
{
	const char *text = json_string_value(json_object_get(obj, name));
	char copy[160];
	size_t n = strlen(text);

	if (n == 0 || n >= sizeof(copy))
		err_fatal("not a value to spoil");
	memcpy(copy, text, n + 1);
	copy[n - 1] = copy[n - 1] == '0' ? '1' : '0';
	json_set_str(obj, name, copy);
}

static void reverse(json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i + 1 < n; i++) {
		json_t *last = json_incref(json_array_get(list, n - 1));

		if (json_array_remove(list, n - 1) != 0 || json_array_insert_new(list, i, last) != 0)
			err_fatal("out of memory");
	}
}

static void double_amount(json_t *v)
{
	json_set_int(v, "amount", 2 * json_integer_value(json_object_get(v, "amount")));
}

static void set_states(json_t *body, const char *state)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(body, "states"), i, v) json_set_str(v, "state", state);
}

static void spoil_keysets(const struct mint *m, struct arena *a, enum fault_mode mode, json_t *body)
{
	struct mint_keyset *rogue = ARENA_NEW(a, struct mint_keyset);
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(body, "keysets"), i, v)
	{
		struct keyset_id id;

		if (mode == FAULT_WRONG_FEE) {
			json_set_int(v, "input_fee_ppk", 100 + json_integer_value(json_object_get(v, "input_fee_ppk")));
			continue;
		}
		if (json_object_get(v, "keys") == NULL ||
		    !keyset_id_parse(json_string_value(json_object_get(v, "id")), &id))
			continue;
		rogue_keyset(m, a, &id, rogue);
		json_set_take(json_object_get(v, "keys"), "1", wire_hex(rogue->pub.keys[0].key.b, 33));
	}
}

void fault_lie(const struct mint *m, struct arena *a, const struct fault *f, const struct mint_call *call,
	       struct mint_answer *ret)
{
	json_t *signatures = json_object_get(ret->body, "signatures"), *first = json_array_get(signatures, 0), *v;
	size_t i;

	if (ret->status != 200)
		return;
	switch (f->mode) {
	case FAULT_NONE:
	case FAULT_DROP_BEFORE:
	case FAULT_ANSWER:
	case FAULT_THROTTLE:
	case FAULT_DELAY_BEFORE:
	case FAULT_HOLD:
	case FAULT_DUPLICATE:
	case FAULT_DELAY:
	case FAULT_DROP_AFTER:
	case FAULT_ANSWER_AFTER:
	case FAULT_TRUNCATE:
	case FAULT_GARBAGE:
	case FAULT_HUGE:
	case FAULT_SLOW_DRIP:
		return;
	case FAULT_EDIT:
		if (f->set != NULL)
			(void)json_object_update(ret->body, f->set);
		return;
	case FAULT_WRONG_AMOUNT:
		if (first != NULL)
			double_amount(first);
		return;
	case FAULT_INFLATED:
		sign_again(m, a, call, ret, 2, false, false);
		return;
	case FAULT_WRONG_KEYSET_ID:
		json_array_foreach(signatures, i, v) flip_last_digit(v, "id");
		return;
	case FAULT_OTHER_KEYSET:
		sign_again(m, a, call, ret, 1, true, true);
		return;
	case FAULT_BAD_SIGNATURE:
		sign_again(m, a, call, ret, 1, true, false);
		return;
	case FAULT_BAD_DLEQ:
		json_array_foreach(signatures, i, v) flip_last_digit(json_object_get(v, "dleq"), "s");
		return;
	case FAULT_NO_DLEQ:
		json_array_foreach(signatures, i, v)(void) json_object_del(v, "dleq");
		return;
	case FAULT_EXTRA_PROMISE:
		if (first != NULL)
			json_add_take(signatures, json_deep_copy(first));
		return;
	case FAULT_MISSING_PROMISE:
		(void)json_array_remove(signatures, 0);
		return;
	case FAULT_SWAPPED_PROMISES:
		reverse(signatures);
		return;
	case FAULT_RESTORE_EMPTY:
		(void)json_array_clear(json_object_get(ret->body, "outputs"));
		(void)json_array_clear(signatures);
		return;
	case FAULT_RESTORE_REORDER:
		reverse(json_object_get(ret->body, "outputs"));
		reverse(signatures);
		return;
	case FAULT_RESTORE_FOREIGN:
		json_array_foreach(json_object_get(ret->body, "outputs"), i, v) flip_last_digit(v, "B_");
		return;
	case FAULT_STATES:
		set_states(ret->body, f->state);
		return;
	case FAULT_WRONG_KEYS:
	case FAULT_WRONG_FEE:
		spoil_keysets(m, a, f->mode, ret->body);
		return;
	}
}
