"""The network of ``svae`` and ``ivae``: an auto-encoder whose prior an action shifts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.vae.layer import divergence, negative_binomial
from glasscell.models.vae.network import VaeNetwork

#: Logits of the gates are this times the weights that are learnt, so that they move fast enough.
GATE_SPEED = 10.0
SHIFT_SPEED = 5.0
#: Logit of every gate at the start: all are open.
OPEN = 5.0


class ShiftNetwork(VaeNetwork):
    """Latents are normal with variance 1 around what the cell's action adds; nothing else knows the action.

    Parameters
    ----------
    n_actions, control
        Number of actions, and which is the control: its shift is zero, so shifts are changes from it.
    sparse
        Whether gates are learnt; without, every action shifts every latent.
    """

    free: Tensor
    decided: Tensor

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        n_actions: int,
        control: int,
        *,
        sparse: bool,
        n_batches: int = 0,
        hidden: int = 128,
        n_layers: int = 2,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        encode_batch: bool = True,
    ) -> None:
        super().__init__(
            n_genes,
            n_latent,
            n_batches=n_batches,
            hidden=hidden,
            n_layers=n_layers,
            dropout=dropout,
            input_dropout=input_dropout,
            encode_batch=encode_batch,
        )
        self.sparse, self.control = sparse, control
        #: Actions beyond these were learnt after the training (``new_action``).
        self.n_trained = n_actions
        self.shift_weights = nn.Parameter(torch.zeros(n_actions, n_latent))
        self.gate_weights = nn.Parameter(torch.zeros(n_actions, n_latent)) if sparse else None
        self.register_buffer("free", torch.ones(n_actions, 1))
        self.register_buffer("decided", torch.zeros((), dtype=torch.bool))

    def start(self) -> None:
        """Open all gates and shift nothing."""
        with torch.no_grad():
            self.shift_weights.zero_()
            self.free.fill_(1.0)
            self.free[self.control] = 0.0
            self.decided.fill_(False)
            if self.gate_weights is not None:
                self.gate_weights.fill_(OPEN / GATE_SPEED)

    def gate_logits(self) -> Tensor:
        """Return the log odds that an action reaches a latent, ``(n_actions, n_latent)``."""
        assert self.gate_weights is not None
        return self.gate_weights * GATE_SPEED

    def gates(self) -> Tensor:
        """Return the probability that an action reaches a latent, ``(n_actions, n_latent)``.

        Once they are decided they are 0 or 1; the control's are 0. Those of an action learnt after the
        training stay probabilities, and its effects are not multiplied by them.
        """
        if self.gate_weights is None:
            return self.free.expand_as(self.shift_weights)
        open_az = torch.sigmoid(self.gate_logits())
        if bool(self.decided):
            trained_az = (open_az[: self.n_trained] > 0.5).to(open_az.dtype)
            open_az = torch.cat([trained_az, open_az[self.n_trained :]])
        return open_az * self.free

    def shifts(self) -> Tensor:
        """Return how far an action shifts a latent that it reaches, ``(n_actions, n_latent)``."""
        return self.shift_weights * SHIFT_SPEED * self.free

    def effects(self) -> Tensor:
        """Return gates times shifts, ``(n_actions, n_latent)``; of actions learnt later the shifts."""
        shifts_az = self.shifts()
        trained_az = self.gates()[: self.n_trained] * shifts_az[: self.n_trained]
        return torch.cat([trained_az, shifts_az[self.n_trained :]])

    def forward(  # type: ignore[override]
        self, x_cg: Tensor, counts_cg: Tensor, size_c: Tensor, codes: Tensor | None, action_c: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return each cell's log-likelihood and its divergence from its action's prior, ``(n,)`` each."""
        batch_cb = self.batches(codes, x_cg)
        mean_cz, variance_cz = self.encoder(x_cg, batch_cb)
        log_share_cg = self.decoder(self.sample(mean_cz, variance_cz), batch_cb)
        log_mean_cg = log_share_cg + size_c.clamp(min=1.0).log()[:, None]
        fit_c = negative_binomial(counts_cg, log_mean_cg, self.log_dispersion.clamp(-8.0, 10.0))
        gates_cz, shifts_cz = self.gates()[action_c], self.shifts()[action_c]
        return fit_c, gated_divergence(mean_cz, variance_cz, gates_cz, shifts_cz)

    @torch.no_grad()
    def move_origin(self, origin_z: Tensor, shifts_az: Tensor) -> None:
        """Call ``origin_z`` zero from now on, with these shifts from it; what is decoded stays the same."""
        first = self.decoder.first
        first.bias.add_(first.weight @ origin_z)
        self.encoder.mean.bias.sub_(origin_z)
        self.shift_weights.copy_(shifts_az / SHIFT_SPEED)

    @torch.no_grad()
    def turn(self, turn_zz: Tensor) -> None:
        """Turn the latents by an orthogonal ``(n_latent, n_latent)``; what is decoded stays the same.

        Variances along the new axes are the old ones averaged (their logs), since the encoder knows no
        covariances.
        """
        encoder, first = self.encoder, self.decoder.first
        encoder.mean.weight.copy_(turn_zz.T @ encoder.mean.weight)
        encoder.mean.bias.copy_(turn_zz.T @ encoder.mean.bias)
        share_zz = turn_zz.T**2
        encoder.log_variance.weight.copy_(share_zz @ encoder.log_variance.weight)
        encoder.log_variance.bias.copy_(share_zz @ encoder.log_variance.bias)
        first.weight.copy_(first.weight @ turn_zz)
        self.shift_weights.copy_(self.shift_weights @ turn_zz)

    def closing(self) -> Tensor:
        """Return minus the log of one minus each gate, summed: times K0 - 1 the mask's prior Beta(1, K0)."""
        if self.gate_weights is None or bool(self.decided):
            return self.shift_weights.new_zeros(())
        return (functional.softplus(self.gate_logits()) * self.free).sum()


def gated_divergence(mean_cz: Tensor, variance_cz: Tensor, gates_cz: Tensor, shifts_cz: Tensor) -> Tensor:
    """Return the mean over gates of KL(N(mean, variance) || N(gate * shift, 1)), ``(n,)``.

    The gates are coins, so the mean has a closed form and nothing is drawn:
    ``gate * KL(shift) + (1 - gate) * KL(0)`` per latent.

    References
    ----------
    Lopez et al. 2023, arXiv:2211.03553, eq. 5.
    """
    moved_cz = gates_cz * (0.5 * shifts_cz**2 - mean_cz * shifts_cz)
    return divergence(mean_cz, variance_cz) + moved_cz.sum(dim=1)
