#include "base/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* jansson recurses as deep as the text says and builds whatever it asks for, so both are counted beforehand, on the
 * text alone.  What is not JSON is left for jansson to refuse. */
static int check_shape(struct bytes text, const struct json_rules *rules, struct err *err)
{
	size_t depth = 0, values = 1;
	bool in_string = false;

	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return ERR(err, ERR_PARSE, "a NUL byte in JSON"); /* jansson skips one between tokens */
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		if (depth > rules->max_depth)
			return ERR(err, ERR_RANGE, "JSON nested deeper than %u", rules->max_depth);
		if (c == '[' || c == '{' || c == ',')
			values++;
		if (values > rules->max_values)
			return ERR(err, ERR_RANGE, "JSON of more than %zu values", rules->max_values);
	}
	return 0;
}

/* jansson's own words quote the text. */
static const char *what_is_wrong(const json_error_t *e)
{
	switch (json_error_code(e)) {
	case json_error_duplicate_key:
		return "a member name appears twice";
	case json_error_null_byte_in_key:
	case json_error_null_character:
		return "a NUL character";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_numeric_overflow:
		return "a number out of range";
	case json_error_premature_end_of_input:
		return "it ends too early";
	case json_error_end_of_input_expected:
		return "something follows the value";
	case json_error_invalid_syntax:
	case json_error_invalid_format:
	case json_error_wrong_type:
	case json_error_invalid_argument:
	case json_error_stack_overflow:
	case json_error_item_not_found:
	case json_error_index_out_of_range:
	case json_error_cannot_open_file:
	case json_error_null_value:
	case json_error_out_of_memory:
	case json_error_unknown:
		break;
	}
	return "a syntax error";
}

int json_parse(struct arena *a, struct bytes text, unsigned max_depth, json_t **ret, struct err *err)
{
	struct json_rules rules = { .max_depth = max_depth, .max_values = JSON_VALUES_MAX };

	if (json_parse_by(a, text, &rules, ret, err) == 0)
		return 0;
	return err->code == ERR_RANGE ? ERR(err, ERR_PARSE, "%s", err->msg) : -1;
}

static size_t count_digits(struct bytes v, size_t from)
{
	size_t n = 0;

	while (from + n < v.n && v.p[from + n] >= '0' && v.p[from + n] <= '9')
		n++;
	return n;
}

/* How long the number at the start of v is, when it has a fraction or an exponent and is as RFC 8259 wants it; else 0. */
static size_t real_length(struct bytes v)
{
	size_t i = v.p[0] == '-' ? 1 : 0, whole = count_digits(v, i), more;
	bool real = false;

	if (whole == 0 || (whole > 1 && v.p[i] == '0'))
		return 0;
	i += whole;
	if (i < v.n && v.p[i] == '.') {
		more = count_digits(v, i + 1);
		if (more == 0)
			return 0;
		i += 1 + more;
		real = true;
	}
	if (i < v.n && (v.p[i] == 'e' || v.p[i] == 'E')) {
		i += i + 1 < v.n && (v.p[i + 1] == '+' || v.p[i + 1] == '-') ? 2 : 1;
		more = count_digits(v, i);
		if (more == 0)
			return 0;
		i += more;
		real = true;
	}
	return real ? i : 0;
}

/* How long the number at the start of v is, when it is whole, as RFC 8259 wants it, and beyond int64_t; else 0. */
static size_t huge_length(struct bytes v)
{
	static const char above[] = "9223372036854775807", below[] = "9223372036854775808";
	size_t i = v.p[0] == '-' ? 1 : 0, whole = count_digits(v, i);
	const char *most = i == 1 ? below : above;

	if (whole < sizeof(above) - 1 || v.p[i] == '0' || i + whole != v.n)
		return 0;
	return whole > sizeof(above) - 1 || memcmp(v.p + i, most, whole) > 0 ? v.n : 0;
}

static size_t string_length(struct bytes v)
{
	size_t i = 1;

	while (i < v.n && v.p[i] != '"')
		i += v.p[i] == '\\' ? 2 : 1;
	return i < v.n ? i + 1 : v.n;
}

/* Numbers are taken up whole, so that "1.5" inside of "11.5" is never looked at. */
static size_t number_length(struct bytes v)
{
	size_t i = 0;

	while (i < v.n && strchr("+-.0123456789eE", v.p[i]) != NULL)
		i++;
	return i;
}

/* A number cannot name a member, and does not become a name by being quoted. */
static bool is_name(struct bytes text, size_t end)
{
	while (end < text.n && strchr(" \t\r\n", text.p[end]) != NULL)
		end++;
	return end < text.n && text.p[end] == ':';
}

/* How much of the number v is to be text: all of it, or nothing. */
static size_t text_length(struct bytes v, const struct json_rules *rules)
{
	size_t n = rules->reals_as_text ? real_length(v) : 0;

	return n == 0 && rules->huge_as_text ? huge_length(v) : n;
}

/* The same text with quotes around the numbers that are to be text. */
static void quote_numbers(struct bytes text, const struct json_rules *rules, struct buf *to)
{
	for (size_t i = 0; i < text.n;) {
		struct bytes left = { text.p + i, text.n - i };
		size_t n = 1, quoted = 0;

		if (left.p[0] == '"') {
			n = string_length(left);
		} else if (left.p[0] == '-' || (left.p[0] >= '0' && left.p[0] <= '9')) {
			n = number_length(left);
			quoted = is_name(left, n) ? 0 : text_length((struct bytes){ left.p, n }, rules);
		}
		if (quoted == n)
			buf_u8(to, '"');
		buf_add(to, left.p, n);
		if (quoted == n)
			buf_u8(to, '"');
		i += n;
	}
}

int json_parse_by(struct arena *a, struct bytes text, const struct json_rules *rules, json_t **ret, struct err *err)
{
	size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | (rules->escaped_nul ? JSON_ALLOW_NUL : 0u);
	SCOPED(buf) struct buf quoted = BUF_CAP(2 * text.n + 2); /* the shortest number is "1e1", with a comma */
	json_error_t e;
	json_t *v;

	if (check_shape(text, rules, err) != 0)
		return -1;
	if (rules->reals_as_text || rules->huge_as_text) {
		quote_numbers(text, rules, &quoted);
		text = buf_bytes(&quoted);
	}
	v = json_loadb(text.n == 0 ? "" : (const char *)text.p, text.n, flags, &e);
	if (v == NULL && json_error_code(&e) == json_error_out_of_memory)
		err_fatal("out of memory");
	if (v == NULL)
		return ERR(err, ERR_PARSE, "not JSON at line %d, column %d: %s", e.line, e.column, what_is_wrong(&e));
	*ret = json_hold(a, v);
	return 0;
}

/* Every way to make or join a json_t fails for lack of memory alone, or by a mistake of ours. */
static json_t *made(json_t *v)
{
	if (v == NULL)
		err_fatal("cannot make a JSON value");
	return v;
}

static void joined(int rc)
{
	if (rc != 0)
		err_fatal("cannot add to a JSON value");
}

static void drop(void *v)
{
	json_decref(v);
}

json_t *json_hold(struct arena *a, json_t *owned)
{
	arena_defer(a, drop, made(owned));
	return owned;
}

json_t *json_object_in(struct arena *a)
{
	return json_hold(a, json_object());
}

json_t *json_array_in(struct arena *a)
{
	return json_hold(a, json_array());
}

static char *dump(struct arena *a, const json_t *v, size_t flags)
{
	char *heap = json_dumps(v, flags | JSON_COMPACT | JSON_ENCODE_ANY), *text;

	if (heap == NULL)
		err_fatal("cannot write a JSON value");
	text = arena_strdup(a, heap);
	free(heap);
	return text;
}

char *json_text(struct arena *a, const json_t *v)
{
	return dump(a, v, 0);
}

char *json_canonical(struct arena *a, const json_t *v)
{
	return dump(a, v, JSON_SORT_KEYS);
}

/* A peer's words may be no text at all; they must still reach a person, and never stop us. */
static json_t *string_mended(const char *text)
{
	struct bytes v = bytes_of(text);
	SCOPED(buf) struct buf b = BUF_CAP(SIZE_MAX);
	uint32_t c;

	while (v.n > 0) {
		size_t n = utf8_next(v, &c);

		if (n > 0)
			buf_add(&b, v.p, n);
		else
			buf_text_add(&b, "\xef\xbf\xbd");
		n = n > 0 ? n : 1;
		v.p += n;
		v.n -= n;
	}
	return json_string(buf_text(&b));
}

void json_set_str(json_t *obj, const char *name, const char *text)
{
	json_t *v = text == NULL ? json_null() : json_string(text);

	json_set_take(obj, name, v == NULL ? string_mended(text) : v);
}

void json_set_int(json_t *obj, const char *name, int64_t v)
{
	json_set_take(obj, name, json_integer(v));
}

void json_set_u64(json_t *obj, const char *name, uint64_t v)
{
	assert(v <= INT64_MAX);
	json_set_int(obj, name, (int64_t)v);
}

void json_set_bool(json_t *obj, const char *name, bool v)
{
	json_set_take(obj, name, json_boolean(v));
}

void json_set(json_t *obj, const char *name, json_t *borrowed)
{
	json_set_take(obj, name, json_incref(borrowed));
}

void json_set_take(json_t *obj, const char *name, json_t *owned)
{
	joined(json_object_set_new(obj, name, made(owned)));
}

void json_add(json_t *arr, json_t *borrowed)
{
	json_add_take(arr, json_incref(borrowed));
}

void json_add_take(json_t *arr, json_t *owned)
{
	joined(json_array_append_new(arr, made(owned)));
}

#define WRONG(err, name, code, ...) ((void)ERR((err), (code), __VA_ARGS__), (void)err_field((err), (name)), -1)

static int get(const json_t *obj, const char *name, json_t **ret, struct err *err)
{
	json_t *v = json_object_get(obj, name);

	if (v == NULL)
		return WRONG(err, name, ERR_PARSE, "%s is missing", name);
	*ret = v;
	return 0;
}

/* Optional members: is there one to read? */
static bool has(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	return v != NULL && !json_is_null(v);
}

int json_get_str(const json_t *obj, const char *name, size_t max, const char **ret, struct err *err)
{
	json_t *v;

	if (get(obj, name, &v, err) != 0)
		return -1;
	if (!json_is_string(v))
		return WRONG(err, name, ERR_PARSE, "%s is not a string", name);
	if (json_string_length(v) > max)
		return WRONG(err, name, ERR_RANGE, "%s is longer than %zu bytes", name, max);
	if (strlen(json_string_value(v)) != json_string_length(v))
		return WRONG(err, name, ERR_PARSE, "%s holds a NUL character", name);
	*ret = json_string_value(v);
	return 0;
}

int json_get_i64(const json_t *obj, const char *name, int64_t *ret, struct err *err)
{
	json_t *v;

	if (get(obj, name, &v, err) != 0)
		return -1;
	if (!json_is_integer(v))
		return WRONG(err, name, ERR_PARSE, "%s is not an integer", name);
	*ret = json_integer_value(v);
	return 0;
}

int json_get_u64(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err)
{
	int64_t v;

	if (json_get_i64(obj, name, &v, err) != 0)
		return -1;
	if (v < 0)
		return WRONG(err, name, ERR_RANGE, "%s is negative", name);
	if ((uint64_t)v > max)
		return WRONG(err, name, ERR_RANGE, "%s is above %llu", name, (unsigned long long)max);
	*ret = (uint64_t)v;
	return 0;
}

int json_get_bool(const json_t *obj, const char *name, bool *ret, struct err *err)
{
	json_t *v;

	if (get(obj, name, &v, err) != 0)
		return -1;
	if (!json_is_boolean(v))
		return WRONG(err, name, ERR_PARSE, "%s is not true or false", name);
	*ret = json_is_true(v);
	return 0;
}

int json_get_obj(const json_t *obj, const char *name, json_t **ret, struct err *err)
{
	json_t *v;

	if (get(obj, name, &v, err) != 0)
		return -1;
	if (!json_is_object(v))
		return WRONG(err, name, ERR_PARSE, "%s is not an object", name);
	*ret = v;
	return 0;
}

int json_get_arr(const json_t *obj, const char *name, size_t max, json_t **ret, struct err *err)
{
	json_t *v;

	if (get(obj, name, &v, err) != 0)
		return -1;
	if (!json_is_array(v))
		return WRONG(err, name, ERR_PARSE, "%s is not a list", name);
	if (json_array_size(v) > max)
		return WRONG(err, name, ERR_RANGE, "%s has more than %zu items", name, max);
	*ret = v;
	return 0;
}

int json_opt_str(const json_t *obj, const char *name, size_t max, const char **ret, struct err *err)
{
	return has(obj, name) ? json_get_str(obj, name, max, ret, err) : 0;
}

int json_opt_u64(const json_t *obj, const char *name, uint64_t max, uint64_t *ret, struct err *err)
{
	return has(obj, name) ? json_get_u64(obj, name, max, ret, err) : 0;
}

int json_opt_i64(const json_t *obj, const char *name, int64_t *ret, struct err *err)
{
	return has(obj, name) ? json_get_i64(obj, name, ret, err) : 0;
}

int json_opt_bool(const json_t *obj, const char *name, bool *ret, struct err *err)
{
	return has(obj, name) ? json_get_bool(obj, name, ret, err) : 0;
}
