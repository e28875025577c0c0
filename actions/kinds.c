#include "actions/kinds.h"

const struct action_kind *const action_kinds[] = { &cashu_issue_kind,   &cashu_send_kind,     &cashu_receive_kind,
						   &cashu_swap_kind,    &cashu_melt_kind,     &cashu_mint_sync_kind,
						   &cashu_restore_kind, &cashu_transfer_kind, &cashu_sweep_kind,
						   &cashu_check_kind,   &onchain_send_kind,   &splice_in_kind,
						   &splice_out_kind,    &splice_bump_kind,    NULL };
