"""Measures training steps of SFPNet and of a mean-pooled MLP in PyTorch, on the CPU or on a CUDA device, to compare
Polyscene with.

Same models (configs/models/sfpnet.pbtxt, mlp.pbtxt; default switches), same fields (configs/data/kuairand.pbtxt), same
optimiser, batches held in memory. A step is lookup, forward, backward, both optimisers. It is tuned as far as we could
tune it; README.md beside this file says what was tried. Favours it enjoys over Polyscene: ids come as dense table rows
(no hashing), one table holds all features, and one process has no exchange.

On a device its batches lie there already, and with --precision bf16 behaviours and their moments are kept in bf16.

On the CPU run it through pytorch_peer.sh, which sets up allocator and threads. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import time

import torch
from torch import nn
from torch.autograd import Function
from torch.nn import functional as F

import pytorch_peer_data as data

GAMMA = 2.0
EPSILON = 1e-6
EMBEDDING = 16


# ------------------------------------------------------------------------------------------- kernels with gradients


def bag_sum(rows, indices, offsets):
    """[bags, dim] sums of rows[indices[offsets[i]:offsets[i+1]]]: the fastest gather-and-add that PyTorch has here."""
    return torch.embedding_bag(rows, indices, offsets, False, 0, False, None, True)[0]


class Lookup(Function):
    """weight[ids]. The gradient sums rows by sorted id, which takes a third of the time of PyTorch's own."""

    @staticmethod
    def forward(ctx, weight, ids):
        ctx.save_for_backward(ids)
        ctx.table_rows = weight.shape[0]
        return weight.index_select(0, ids)

    @staticmethod
    def backward(ctx, grad):
        (ids,) = ctx.saved_tensors
        return sum_by_id(grad.contiguous(), ids, ctx.table_rows), None


def sum_by_id(grad, ids, table_rows, source=None):
    """[table_rows, dim] sums of grad[source[i]] over the i of each id; source is i itself by default."""
    ids, order = torch.sort(ids)
    if source is not None:
        order = source.index_select(0, order)
    offsets = torch.searchsorted(ids, torch.arange(table_rows + 1, dtype=ids.dtype, device=ids.device))
    return bag_sum(grad, order, offsets)


class MeanLookup(Function):
    """[samples, sides * dim] means of the embeddings of each side field; samples without behaviours give zeros."""

    @staticmethod
    def forward(ctx, weight, history, offsets, sample, scale):
        ctx.save_for_backward(history, sample, scale)
        ctx.table_rows = weight.shape[0]
        sums = [bag_sum(weight, history[side], offsets) for side in range(history.shape[0])]
        return torch.cat(sums, 1).mul_(scale)

    @staticmethod
    def backward(ctx, grad):
        history, sample, scale = ctx.saved_tensors
        sides, behaviours = history.shape
        rows = (grad * scale).view(-1, EMBEDDING)  # [samples * sides, dim]
        source = (sample * sides)[None, :] + torch.arange(sides, device=sample.device)[:, None]
        return sum_by_id(rows, history.view(-1), ctx.table_rows, source.view(-1)), None, None, None, None


class Dap(Function):
    """[mu; sigma] of the behaviours of each sample, packed rows."""

    @staticmethod
    def forward(ctx, b, layout):
        mu = layout.sum(b).mul_(layout.scale)
        variance = layout.sum(b * b).mul_(layout.scale).addcmul_(mu, mu, value=-1).clamp_(min=0)
        sigma = variance.add_(EPSILON).sqrt_()
        ctx.save_for_backward(b, mu, sigma)
        ctx.layout = layout
        return torch.cat([mu, sigma], 1)

    @staticmethod
    def backward(ctx, grad):
        b, mu, sigma = ctx.saved_tensors
        grad_mu, grad_sigma = grad.chunk(2, 1)
        slope = (grad_sigma / sigma).mul_(ctx.layout.scale)
        level = (grad_mu * ctx.layout.scale).addcmul_(slope, mu, value=-1)
        return ctx.layout.spread(slope).mul_(b).add_(ctx.layout.spread(level)), None


class Tailor(Function):
    """b + ReLU(b Wb + r) Wo + co, where r has one row per sample. Takes as few passes as eager mode allows."""

    @staticmethod
    def forward(ctx, b, row, w_b, w_o, c_o, layout):
        u = layout.spread(row).addmm_(b, w_b).relu_()
        ctx.save_for_backward(b, u, w_b, w_o)
        ctx.layout = layout
        return torch.addmm(b, u, w_o).add_(c_o)

    @staticmethod
    def backward(ctx, grad):
        b, u, w_b, w_o = ctx.saved_tensors
        q = grad @ w_o.t()
        torch.ops.aten.threshold_backward.grad_input(q, u, 0, grad_input=q)
        grad_b = torch.addmm(grad, q, w_b.t())
        return grad_b, ctx.layout.sum(q), b.t() @ q, u.t() @ grad, grad.sum(0), None


class Packed:
    """The sample of each row of a packed matrix."""

    def __init__(self, offsets, behaviours, dtype):
        lengths = offsets.diff()
        self.offsets = offsets
        self.rows = torch.arange(behaviours, device=offsets.device)
        samples = torch.arange(len(lengths), device=offsets.device)
        self.sample = torch.repeat_interleave(samples, lengths, output_size=behaviours)  # no wait for the device
        self.scale = (1.0 / lengths.clamp(min=1).float()[:, None]).to(dtype)

    def sum(self, rows):  # [behaviours, width] -> [samples, width]
        return bag_sum(rows, self.rows, self.offsets)

    def spread(self, per_sample):  # [samples, width] -> [behaviours, width]
        return per_sample.index_select(0, self.sample)


# ---------------------------------------------------------------------------------------------------------- models


class Head(nn.Sequential):
    def __init__(self, width):
        super().__init__(
            nn.Linear(width, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1)
        )


class Block(nn.Module):
    def __init__(self, context_fields, behaviour, scenario, gate_hidden=128, context_width=64):
        super().__init__()
        pooled = 2 * behaviour
        base = pooled + context_fields
        self.pooled = pooled
        self.gate_in = nn.Linear(base + scenario, gate_hidden)
        self.gate_out = nn.Linear(gate_hidden, base)
        self.context = nn.Linear(base + scenario, context_width)
        self.row = nn.Linear(context_width, 2 * behaviour)
        self.w_b = nn.Parameter(nn.init.xavier_uniform_(torch.empty(behaviour, 2 * behaviour)))
        self.w_o = nn.Parameter(torch.zeros(2 * behaviour, behaviour))
        self.c_o = nn.Parameter(torch.zeros(behaviour))
        nn.init.zeros_(self.gate_out.weight)
        nn.init.zeros_(self.gate_out.bias)

    def forward(self, b, context, scenario, dap, tailor):
        x = torch.cat([dap(b), context], 1)
        gate = GAMMA * torch.sigmoid(self.gate_out(F.relu(self.gate_in(torch.cat([x.detach(), scenario], 1)))))
        x = gate * x
        row = self.row(F.relu(self.context(torch.cat([x, scenario], 1))))
        return tailor(b, row, self.w_b, self.w_o, self.c_o), x[:, self.pooled :]


class Sfpnet(nn.Module):
    def __init__(self, fields, sides, blocks=2):
        super().__init__()
        behaviour = sides * EMBEDDING
        self.blocks = nn.ModuleList(Block(fields * EMBEDDING, behaviour, EMBEDDING) for _ in range(blocks))
        self.head = Head(2 * behaviour + (fields + 1) * EMBEDDING)

    def forward(self, b, context, scenario, dap, tailor):
        for block in self.blocks:
            b, context = block(b, context, scenario, dap, tailor)
        return self.head(torch.cat([dap(b), context, scenario], 1)).squeeze(1)


class PaddedDap:
    """The same pooling on [samples, longest, width], for the compiler to fuse."""

    def __init__(self, mask, scale):
        self.mask, self.scale = mask, scale

    def __call__(self, b):
        b = b * self.mask
        mu = b.sum(1) * self.scale
        variance = (b * b).sum(1) * self.scale - mu * mu
        return torch.cat([mu, (variance.clamp(min=0) + EPSILON).sqrt()], 1)


def padded_tailor(b, row, w_b, w_o, c_o):
    return b + F.relu(b @ w_b + row[:, None, :]) @ w_o + c_o


# ------------------------------------------------------------------------------------------------------------ steps


class Trainer:
    def __init__(self, arguments, table_rows, fields, sides):
        self.arguments = arguments
        self.dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
        self.weight = nn.Parameter(torch.randn(table_rows, EMBEDDING, device=arguments.device) * 0.01)
        if arguments.model == "sfpnet":
            self.dense = Sfpnet(fields, sides)
        else:
            self.dense = Head((sides + fields + 1) * EMBEDDING)
        self.dense.to(arguments.device)
        matrices = [p for p in self.dense.parameters() if p.dim() > 1]
        biases = [p for p in self.dense.parameters() if p.dim() == 1]
        groups = [{"params": matrices, "weight_decay": 1e-5}, {"params": biases}]
        self.optimizers = [torch.optim.Adam(groups, lr=1e-3, fused=True)]
        if arguments.lookup == "sparse":
            self.optimizers.append(torch.optim.SparseAdam([self.weight], lr=1e-3))
        else:
            self.optimizers.append(torch.optim.Adam([self.weight], lr=1e-3, fused=True))
        self.forward = self.sfpnet_packed if arguments.layout == "packed" else self.sfpnet_padded
        if arguments.model == "mlp":
            self.forward = self.mlp
        self.network = torch.compile(self.dense, dynamic=False) if arguments.compile else self.dense
        self.padded = torch.compile(self.padded_network, dynamic=False) if arguments.compile else self.padded_network

    def look_up(self, ids):
        flat = ids.reshape(-1)
        if self.arguments.lookup == "sorted":
            return Lookup.apply(self.weight, flat)
        return F.embedding(flat, self.weight, sparse=self.arguments.lookup == "sparse")

    def context(self, batch):
        return self.look_up(batch.context).view(len(batch.context), -1)

    def sfpnet_packed(self, batch):
        layout = Packed(batch.offsets, batch.history.shape[1], self.dtype)
        b = self.look_up(batch.history.t()).view(-1, batch.history.shape[0] * EMBEDDING).to(self.dtype)
        dap = lambda b: Dap.apply(b, layout)
        tailor = lambda *tensors: Tailor.apply(*[t.to(self.dtype) for t in tensors], layout)
        return self.network(b, self.context(batch), self.look_up(batch.scenario), dap, tailor)

    def padded_network(self, b, context, scenario, mask, scale):
        return self.dense(b, context, scenario, PaddedDap(mask, scale), padded_tailor)

    def sfpnet_padded(self, batch):
        lengths = batch.offsets.diff()
        mask = torch.arange(data.LONGEST, device=lengths.device)[None, :] < lengths[:, None]
        rows = (torch.cumsum(mask.view(-1), 0) - 1).clamp_(min=0)  # padding repeats the behaviour before it
        ids = batch.history.t().index_select(0, rows)
        b = self.look_up(ids).view(len(lengths), data.LONGEST, -1).to(self.dtype)
        scale = 1.0 / lengths.clamp(min=1).float()[:, None]
        return self.padded(b, self.context(batch), self.look_up(batch.scenario), mask[:, :, None].to(self.dtype), scale)

    def mlp(self, batch):
        layout = Packed(batch.offsets, batch.history.shape[1], torch.float32)
        if self.arguments.lookup == "sorted":
            pooled = MeanLookup.apply(self.weight, batch.history, batch.offsets, layout.sample, layout.scale)
        else:
            bag = lambda ids: F.embedding_bag(
                ids, self.weight, batch.offsets, mode="mean", sparse=self.arguments.lookup == "sparse", include_last_offset=True
            )
            pooled = torch.cat([bag(ids) for ids in batch.history], 1)
        return self.network(torch.cat([pooled, self.context(batch), self.look_up(batch.scenario)], 1)).squeeze(1)

    def step(self, batch):
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.arguments.device, torch.bfloat16, enabled=self.arguments.precision == "bf16"):
            logits = self.forward(batch)
        loss = F.binary_cross_entropy_with_logits(logits.float(), batch.label)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return loss


# ------------------------------------------------------------------------------------------------------------- main


def measure(trainer, batches, steps):
    """Wall and processor seconds of each step. One round over the distinct shapes comes first as warm-up."""
    for batch in batches[:3]:
        trainer.step(batch)
    wall, processor = [], []
    for i in range(steps):
        wall_start, processor_start = time.perf_counter(), time.process_time()
        trainer.step(batches[i % len(batches)])
        wall.append(time.perf_counter() - wall_start)
        processor.append(time.process_time() - processor_start)
    return wall, processor


def measure_device(trainer, batches, steps, rounds=5):
    """Wall seconds of a step, as a mean for each round, since the host must not wait within a round. Two passes over the
    batches come first as warm-up, since compilers and allocators see new shapes."""
    for batch in batches * 2:
        trainer.step(batch)
    seconds = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for i in range(steps):
            trainer.step(batches[i % len(batches)])
        torch.cuda.synchronize()
        seconds.append((time.perf_counter() - start) / steps)
    return seconds


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["sfpnet", "mlp"], default="sfpnet", help="model to train (%(default)s)")
    parser.add_argument("--batch", type=int, default=4096, help="samples per step (%(default)s)")
    parser.add_argument("--steps", type=int, default=30, help="steps (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch (%(default)s)")
    parser.add_argument("--fields", type=int, default=34, help="number of context fields (%(default)s)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where to train (%(default)s)")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32",
                        help="precision of matrix products (%(default)s)")
    parser.add_argument(
        "--data", default="runs/data/kuairand/train",
        help="folder of Parquet files, or a file that pytorch_peer_data.py saved"
    )
    parser.add_argument("--synthetic", action="store_true", help="use random batches of the same shape")
    parser.add_argument(
        "--lookup", choices=["sorted", "dense", "sparse"],
        help="embedding lookup; default: sorted on the CPU, dense (PyTorch's own) on a device"
    )
    parser.add_argument("--layout", choices=["packed", "padded"], default="packed",
                        help="layout of sequences (%(default)s)")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--seed", type=int, default=1, help="seed of random numbers (%(default)s)")
    arguments = parser.parse_args()
    arguments.lookup = arguments.lookup or ("sorted" if arguments.device == "cpu" else "dense")
    return arguments


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.set_float32_matmul_precision("high" if arguments.precision == "tf32" else "highest")
    torch.manual_seed(arguments.seed)
    if arguments.synthetic:
        columns = data.synthesize(8 * max(arguments.batch, 512), arguments.fields, arguments.seed)
    else:
        columns = data.load(arguments.data, arguments.fields)
    batches, table_rows = data.batches(columns, arguments.batch, 8 if arguments.batch > 512 else 64, arguments.seed)
    trainer = Trainer(arguments, table_rows, arguments.fields, len(data.SIDES))
    if arguments.device == "cpu":
        wall, processor = measure(trainer, batches, arguments.steps)
    else:
        batches = [data.Batch(*[t.to("cuda") for t in vars(b).values()]) for b in batches]
        wall, processor = measure_device(trainer, batches, arguments.steps), None
    preload = os.environ.get("LD_PRELOAD", "")
    print(
        json.dumps(
            {
                "model": arguments.model,
                "batch": arguments.batch,
                "device": "cpu" if arguments.device == "cpu" else torch.cuda.get_device_name(),
                "precision": arguments.precision,
                "samples_per_s": round(arguments.batch / statistics.median(wall), 1),
                "samples_per_s_best": round(arguments.batch / min(wall), 1),
                "samples_per_cpu_s": processor and round(arguments.batch / statistics.median(processor), 1),
                "step_ms": round(1e3 * statistics.median(wall), 4),
                "threads": torch.get_num_threads(),
                "steps": arguments.steps,
                "lookup": arguments.lookup,
                "layout": arguments.layout if arguments.model == "sfpnet" else "packed",
                "compile": arguments.compile,
                "data": "synthetic" if arguments.synthetic else "real",
                "behaviours_per_sample": round(sum(b.history.shape[1] for b in batches) / len(batches) / arguments.batch, 1),
                "table_rows": table_rows,
                "torch": torch.__version__,
                "allocator": os.path.basename(preload.split(":")[0]) or "glibc",
                "malloc_conf": os.environ.get("MALLOC_CONF", ""),
            }
        )
    )


if __name__ == "__main__":
    main()
