#include "rails/cashu/swap.h"

#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

int swap_request(struct arena *a, const char *mint, const struct proof *inputs, size_t n_in,
		 const struct output *outputs, size_t n_out, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *in, *out;

	if (wire_count("inputs", n_in, err) != 0 || wire_count("outputs", n_out, err) != 0 ||
	    wire_room(a, wire_inputs_chars(inputs, n_in) + n_out * WIRE_OUTPUT_CHARS, err) != 0)
		return -1;
	if (wire_inputs(a, inputs, n_in, &in, err) != 0 || wire_outputs(a, outputs, n_out, &out, err) != 0)
		return -1;
	json_set(body, "inputs", in);
	json_set(body, "outputs", out);
	wire_post(a, mint_url_join(a, mint, "/v1/swap"), body, WIRE_WRITE_MS, true, ret);
	return 0;
}
