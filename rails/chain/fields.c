#include "rails/chain/fields.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define EXPONENT_MAX 40

/* --- decimals --- */

/* "2.743" is the digits 2743, three of which are a fraction. */
struct mantissa {
	char digits[DECIMAL_MAX];
	int n, fraction;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool mantissa_read(const char *text, size_t n, struct mantissa *m)
{
	bool point = false;

	*m = (struct mantissa){ .n = 0 };
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '.' && !point && i > 0 && i + 1 < n) {
			point = true;
			continue;
		}
		if (!is_digit(text[i]) || m->n + 1 >= DECIMAL_MAX)
			return false;
		m->digits[m->n++] = text[i];
		m->fraction += point ? 1 : 0;
	}
	return m->n > 0;
}

static bool exponent_read(const char *text, int *ret)
{
	bool negative = *text == '-';
	int v = 0;

	text += *text == '-' || *text == '+' ? 1 : 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (!is_digit(*text))
			return false;
		v = v * 10 + (*text - '0');
		if (v > EXPONENT_MAX)
			return false;
	}
	*ret = negative ? -v : v;
	return true;
}

/* The digit whose worth is 10^place, in digits of which `scale` are a fraction. */
static char digit_at(const struct mantissa *m, int scale, int place)
{
	int i = m->n - 1 - scale - place;

	return i >= 0 && i < m->n ? m->digits[i] : '0';
}

bool decimal_plain(const char *text, char ret[DECIMAL_MAX])
{
	size_t n = strcspn(text, "eE");
	int exponent = 0, scale, top, bottom;
	struct mantissa m;
	char *p = ret;

	if (!mantissa_read(text, n, &m) || (text[n] != '\0' && !exponent_read(text + n + 1, &exponent)))
		return false;
	scale = m.fraction - exponent;
	top = m.n - 1 - scale > 0 ? m.n - 1 - scale : 0;
	while (top > 0 && digit_at(&m, scale, top) == '0')
		top--;
	bottom = scale > 0 ? -scale : 0;
	while (bottom < 0 && digit_at(&m, scale, bottom) == '0')
		bottom++;
	if (top - bottom + 3 > DECIMAL_MAX)
		return false;
	for (int place = top; place >= bottom; place--) {
		if (place == -1)
			*p++ = '.';
		*p++ = digit_at(&m, scale, place);
	}
	*p = '\0';
	return true;
}

/* A whole number, or text made of a real one. */
static bool decimal_of(const json_t *v, char ret[DECIMAL_MAX])
{
	char whole[24];

	if (json_is_integer(v)) {
		(void)snprintf(whole, sizeof(whole), "%lld", (long long)json_integer_value(v));
		return decimal_plain(whole, ret);
	}
	return json_is_string(v) && json_string_length(v) == strlen(json_string_value(v)) &&
	       decimal_plain(json_string_value(v), ret);
}

int field_btc(const json_t *obj, const char *name, struct sat *ret, struct err *err)
{
	char text[DECIMAL_MAX];
	struct sat v;

	if (!decimal_of(json_object_get(obj, name), text) || !sat_from_btc_text(text, &v) || !sat_is_money(v))
		return REFUSE(err, "%s is no amount of bitcoin", name);
	*ret = v;
	return 0;
}

int field_btc_per_kvb(const json_t *obj, const char *name, struct feerate *ret, struct err *err)
{
	char text[DECIMAL_MAX];

	if (!decimal_of(json_object_get(obj, name), text) || !feerate_from_btc_per_kvb_text_ceil(text, ret))
		return REFUSE(err, "%s is no fee rate", name);
	return 0;
}

int value_sat_per_vb(const json_t *v, const char *name, struct feerate *ret, struct err *err)
{
	char text[DECIMAL_MAX];

	if (!decimal_of(v, text) || !feerate_from_sat_per_vb_text_ceil(text, ret))
		return REFUSE(err, "%s is no fee rate", name);
	return 0;
}

int field_sat(const json_t *obj, const char *name, struct sat *ret, struct err *err)
{
	uint64_t v;

	if (field_u64(obj, name, SAT_MONEY_MAX, &v, err) != 0)
		return -1;
	if (!sat_from_u64(v, ret))
		return REFUSE(err, "%s is no amount", name);
	return 0;
}

/* --- numbers, text, containers --- */

int field_u64(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return REFUSE(err, "%s is not a number of 0 to %" PRIu64, name, max);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

int field_u32(const json_t *obj, const char *name, uint32_t *ret, struct err *err)
{
	uint64_t v;

	if (field_u64(obj, name, UINT32_MAX, &v, err) != 0)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

int field_time(const json_t *obj, const char *name, int64_t *ret, struct err *err)
{
	uint64_t v;

	if (field_u64(obj, name, INT64_MAX / 1000, &v, err) != 0)
		return -1;
	*ret = (int64_t)v;
	return 0;
}

int field_bool(const json_t *obj, const char *name, bool *ret, struct err *err)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_boolean(v))
		return REFUSE(err, "%s is not true or false", name);
	*ret = json_is_true(v);
	return 0;
}

int field_text(const json_t *obj, const char *name, size_t max, const char **ret, struct err *err)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_string(v) || json_string_length(v) > max || strlen(json_string_value(v)) != json_string_length(v))
		return REFUSE(err, "%s is not text of at most %zu bytes", name, max);
	*ret = json_string_value(v);
	return 0;
}

int field_list(const json_t *obj, const char *name, size_t max, const json_t **ret, struct err *err)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_array(v) || json_array_size(v) > max)
		return REFUSE(err, "%s is not a list of at most %zu", name, max);
	*ret = v;
	return 0;
}

int field_object(const json_t *obj, const char *name, const json_t **ret, struct err *err)
{
	const json_t *v = json_object_get(obj, name);

	if (!json_is_object(v))
		return REFUSE(err, "%s is not an object", name);
	*ret = v;
	return 0;
}

bool field_is_absent(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return v == NULL || json_is_null(v);
}

/* --- hashes and hex --- */

static const char *whole_text(const json_t *v)
{
	const char *text = json_string_value(v);

	return text != NULL && strlen(text) == json_string_length(v) ? text : "";
}

int value_txid(const json_t *v, const char *name, struct txid *ret, struct err *err)
{
	return txid_parse(whole_text(v), ret) ? 0 : REFUSE(err, "%s is no transaction's hash", name);
}

int value_hash(const json_t *v, const char *name, struct block_hash *ret, struct err *err)
{
	return block_hash_parse(whole_text(v), ret) ? 0 : REFUSE(err, "%s is no block's hash", name);
}

int value_hex(struct arena *a, const json_t *v, const char *name, size_t max, struct bytes *ret, struct err *err)
{
	const char *text = whole_text(v);

	if (!json_is_string(v) || json_string_length(v) / 2 > max || !arena_room(a, json_string_length(v) / 2 + 1) ||
	    !hex_decode_any(a, text, max, ret))
		return REFUSE(err, "%s is not hex of at most %zu bytes", name, max);
	return 0;
}

int field_txid(const json_t *obj, const char *name, struct txid *ret, struct err *err)
{
	return value_txid(json_object_get(obj, name), name, ret, err);
}

int field_hash(const json_t *obj, const char *name, struct block_hash *ret, struct err *err)
{
	return value_hash(json_object_get(obj, name), name, ret, err);
}

int field_hex(struct arena *a, const json_t *obj, const char *name, size_t max, struct bytes *ret, struct err *err)
{
	return value_hex(a, json_object_get(obj, name), name, max, ret, err);
}
