#include "rails/cashu/swap.h"

#include <string.h>

#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

#define INPUT_CHARS 300 /* all of an input but its secret and witness */

/* A quote or a backslash takes two characters; there are no control characters in secrets (token.h). */
static size_t inputs_chars(const struct proof *inputs, size_t n)
{
	size_t chars = n * INPUT_CHARS;

	for (size_t i = 0; i < n; i++)
		chars += 2 * (strlen(inputs[i].secret) + (inputs[i].witness == NULL ? 0 : strlen(inputs[i].witness)));
	return chars;
}

static int inputs_json(struct arena *a, const struct proof *inputs, size_t n, json_t **ret, struct err *err)
{
	json_t *list;

	list = json_array_in(a);
	for (size_t i = 0; i < n; i++) {
		json_t *p = json_object();

		json_add_take(list, p);
		if (inputs[i].amount > AMOUNT_MAX)
			return ERR(err, ERR_RANGE, "an input of %llu", (unsigned long long)inputs[i].amount);
		json_set_u64(p, "amount", inputs[i].amount);
		json_set_str(p, "id", inputs[i].keyset.s);
		json_set_str(p, "secret", inputs[i].secret);
		json_set_take(p, "C", wire_hex(inputs[i].c.b, sizeof(inputs[i].c.b)));
		if (inputs[i].witness != NULL)
			json_set_str(p, "witness", inputs[i].witness);
	}
	*ret = list;
	return 0;
}

int swap_request(struct arena *a, const char *mint, const struct proof *inputs, size_t n_in,
		 const struct output *outputs, size_t n_out, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *in, *out;

	if (wire_count("inputs", n_in, err) != 0 || wire_count("outputs", n_out, err) != 0 ||
	    wire_room(a, inputs_chars(inputs, n_in) + n_out * WIRE_OUTPUT_CHARS, err) != 0)
		return -1;
	if (inputs_json(a, inputs, n_in, &in, err) != 0 || wire_outputs(a, outputs, n_out, &out, err) != 0)
		return -1;
	json_set(body, "inputs", in);
	json_set(body, "outputs", out);
	wire_post(a, mint_url_join(a, mint, "/v1/swap"), body, WIRE_WRITE_MS, true, ret);
	return 0;
}
