"""What a GPU demands of a method, proved without one.

A step must not mix devices, read values back or draw from another generator than its own. torch's
fake tensors have a shape and a device but no numbers, and refuse to mix devices. Builds without
CUDA cannot differentiate on "cuda"; "meta" takes its place here, a device of which they know
nothing but its name.

A captured step is replayed: the same operations on the same memory. A stand-in for CUDA's graph
records them on the CPU, where the replayed training must be the eager one to the bit.
"""

import contextlib
import functools
from types import SimpleNamespace

import pytest
import torch
import torch._dynamo  # what torch itself imports late, and must not see the stand-ins
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from siv_lite.methods import METHODS, find_method, make_settings
from siv_lite.methods.base import Method
from siv_lite.methods.consingan import interpolation_matrix
from siv_lite.nn import make_adam
from siv_lite.nn.resampling import tap_matrix
from siv_lite.rendering import analogy, harmonize, provenance, render, uses
from siv_lite.training.cuda_graph import cuda_graph_step

DEVICE = torch.device("meta")
CPU = torch.device("cpu")
# The others take one step, on latents from the CPU, and are never captured.
CAPTURED = [name for name in METHODS if name not in ("gpdm", "patch_diffusion")]

CASES = [(name, 2) for name in METHODS]  # with the number of frames
CASES[list(METHODS).index("hp_vae_gan")] = ("hp_vae_gan", 1)
CASES.append(("hp_vae_gan", 5))


def tensors_in(values):
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


# Fake tensors


class DeviceGenerator:
    """The random generator of the device, of which a build without CUDA has none."""

    device = DEVICE

    def manual_seed(self, seed):
        return self


def make_generator(device="cpu", real=torch.Generator):
    return DeviceGenerator() if torch.device(device).type == DEVICE.type else real(device)


def checked(draw):
    """A function of torch that draws, only ever from a generator of its own device."""

    @functools.wraps(draw)
    def wrapper(*args, generator=None, **options):
        assert generator is not None, "a draw without a generator cannot be repeated"
        if not isinstance(generator, DeviceGenerator):
            options["generator"] = generator
        drawn = draw(*args, **options)
        assert drawn.device.type == generator.device.type
        return drawn

    return wrapper


def make_tensor(data, device=None, make=torch.tensor, **options):
    """`torch.tensor`, which makes no fake tensors on other devices than the CPU."""
    made = make(data, **options)
    return made if device is None else made.to(device)


def move(module, device):
    """`Module.to`, which cannot exchange fake parameters."""
    for each in module.modules():
        for name, parameter in list(each._parameters.items()):
            if parameter is not None:
                each._parameters[name] = torch.nn.Parameter(parameter.detach().to(device))
        for name, buffer in list(each._buffers.items()):
            if buffer is not None:
                each._buffers[name] = buffer.to(device)
    return module


def init_adam(self, parameters, lr, *args, init=torch.optim.Adam.__init__, **options):
    """`Adam.__init__`, which compares the learning rate with 0: reads it, once."""
    init(self, parameters, 1.0, *args, **options)
    self.param_groups[0]["lr"] = lr


def fused_adam(parameters, gradients, m, v, maximum, steps, lr, **options):
    """Adam's fused operation, of which torch knows no fake form."""
    for parameter, *others in zip(parameters, gradients, m, v, strict=True):
        assert all(x.shape == parameter.shape and x.device == DEVICE for x in others)
    assert parameters[0].device == lr.device == DEVICE
    assert all(step.device == DEVICE for step in steps)


class OnDevice(TorchDispatchMode):
    """Refuses every operation on tensors of the CPU, also on single numbers.

    A graph would keep the number that it had when it was captured.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func is not torch.ops.aten.scalar_tensor.default:  # a number of the program
            for tensor in tensors_in([args, kwargs]):
                is_number = tensor.ndim == 0 and tensor.device == CPU and func in NUMBERS
                assert tensor.device == DEVICE or is_number, f"{func} on {tensor.device}"
        return result


class OneDevice(TorchDispatchMode):
    """Refuses convolutions of tensors on two devices; fake tensors look at the input alone."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket is torch.ops.aten.convolution:
            devices = {tensor.device for tensor in tensors_in([args, kwargs])}
            assert len(devices) == 1, f"{func} on {devices}"
        return func(*args, **(kwargs or {}))


NUMBERS = {torch.ops.aten.where.self}  # torch.where(condition, 1.0, 0.1)


@pytest.fixture
def device(monkeypatch):
    """A device without numbers. What is read off it outside of a step is 1 or true."""
    for name in METHODS:  # imported before torch is another one
        find_method(name)
    for cached in (tap_matrix, interpolation_matrix):
        cached.cache_clear()
    monkeypatch.setattr(torch, "Generator", make_generator)
    monkeypatch.setattr(torch, "tensor", make_tensor)
    monkeypatch.setattr(torch, "_fused_adam_", fused_adam)
    monkeypatch.setattr(torch.optim.Adam, "__init__", init_adam)
    monkeypatch.setattr(torch.nn.Module, "to", move)
    monkeypatch.setattr(Method, "autocast", lambda self: contextlib.nullcontext())
    for name in ("rand", "randn", "randint", "randperm"):
        monkeypatch.setattr(torch, name, checked(getattr(torch, name)))
    monkeypatch.setattr(torch.Tensor, "normal_", checked(torch.Tensor.normal_))
    monkeypatch.setattr(FakeTensorMode, "__deepcopy__", lambda self, memo: self, raising=False)
    with FakeTensorMode(), OneDevice():
        yield DEVICE
    for cached in (tap_matrix, interpolation_matrix):
        cached.cache_clear()


@contextlib.contextmanager
def reads(monkeypatch, answer=True):
    """Let values be read off the device, as they may be outside of a step."""
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "__bool__", lambda self: answer)
        patch.setattr(torch.Tensor, "__int__", lambda self: 1)
        patch.setattr(torch.Tensor, "__float__", lambda self: 1.0)
        patch.setattr(torch.Tensor, "item", lambda self: 1.0)
        yield


def build(name, num_frames, device, **settings):
    """A small method; its frames come from the CPU."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand((num_frames, 3, 32, 48), generator=generator)
    if name in CAPTURED:
        settings = {"iterations": 2, **settings}
    if name in ("singan", "consingan"):
        settings = {"inner_steps": 1, **settings}
    settings = make_settings(name, "smoke", **settings)
    return find_method(name)(frames, settings, device, "fp32", 0)


@pytest.mark.parametrize("name, num_frames", CASES)
def test_training_sampling_and_resume_stay_on_the_device(name, num_frames, device, monkeypatch):
    with reads(monkeypatch, answer=False):  # no amplitude of noise is 0 any more
        method = build(name, num_frames, device)
    stage = 0
    for iteration in range(1, method.iterations + 1):
        stage_before = stage
        stage = method.stage_at(iteration)
        with reads(monkeypatch):
            method.start_stage(stage)
        # The first step of a stage may still fill caches.
        is_strict = name in CAPTURED and iteration > 1 and stage == stage_before
        with OnDevice() if is_strict else contextlib.nullcontext():
            losses = method.step()
        assert all(loss.device == DEVICE and loss.numel() == 1 for loss in losses.values())
    assert all(tensor.device == DEVICE for tensor in method.state().values())

    with reads(monkeypatch):
        samples = method.generate(method.sample_latents(2, seed=0))
    assert samples.device == DEVICE and samples.shape[0] == 2

    # A checkpoint comes from the CPU.
    saved = {key: tensor.to(CPU) for key, tensor in method.state().items()}
    with reads(monkeypatch, answer=False):
        again = build(name, num_frames, device)
    with reads(monkeypatch):
        again.start_stage(stage)
        again.load_state(saved)
    assert all(tensor.device == DEVICE for tensor in again.state().values())


USES = {
    "render": render,
    "provenance": lambda images, frames: provenance(images, frames)[1],
    "a video": lambda images, frames: render(images.expand(4, -1, -1, -1)[None], frames),
    "harmonize": harmonize,
    "analogy": analogy,
}


@pytest.mark.parametrize("frames_device", [DEVICE, CPU])
@pytest.mark.parametrize("use", USES)
def test_rendering_is_done_where_the_images_are(use, frames_device, device, monkeypatch):
    images = torch.zeros(1, 3, 24, 36, device=device)
    frames = torch.zeros(4, 3, 32, 48, device=frames_device)
    with reads(monkeypatch):
        assert USES[use](images, frames).device == DEVICE


def test_uses_of_one_photograph_stay_where_it_is(device, monkeypatch):
    photograph = torch.zeros(1, 3, 32, 48, device=device)
    monkeypatch.setattr(uses, "check_mask", lambda mask, image: mask)  # it compares two numbers
    with reads(monkeypatch):
        assert uses.retarget(photograph, (32, 64)).device == DEVICE
        assert uses.tile(photograph).device == DEVICE
        assert uses.inpaint(photograph, photograph[:, :1]).device == DEVICE


def test_adam_can_be_captured_on_a_gpu(device):
    network = torch.nn.ParameterList([torch.empty(2, 2, device="cuda:0")])
    optimizer = make_adam(network, 1e-3)
    (group,) = optimizer.param_groups
    assert group["capturable"] and group["fused"]
    for tensor in (group["lr"], *tensors_in(list(optimizer.state.values()))):
        assert tensor.device == torch.device("cuda:0")


# Graphs


def share_memory(a, b):
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def data_of(tensor):
    return tensor.data


class Recorder(TorchDispatchMode):
    """Notes every operation with the tensors that it read and wrote."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func is not torch.ops.aten._local_scalar_dense.default, "a value is read back"
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        # Their memory alone, without what autograd knows of it.
        self.operations.append(tree_map_only(torch.Tensor, data_of, (func, args, kwargs, result)))
        return result


class Graph:
    """Stands for a CUDA graph: the same operations again, on the same memory."""

    def __init__(self):
        self.generators = []
        self.recorder = Recorder()
        self.num_replays = 0

    def register_generator_state(self, generator):
        self.generators.append(generator)

    @torch.no_grad()
    def replay(self):
        self.num_replays += 1
        for func, args, kwargs, recorded in self.recorder.operations:
            results = tensors_in(func(*args, **kwargs))
            inputs = tensors_in([args, kwargs])
            for old, new in zip(tensors_in(recorded), results, strict=True):
                # Views, and what was changed in place, are where they were.
                if not any(share_memory(old, each) for each in inputs):
                    old.copy_(new)


class Stream:
    def wait_stream(self, other):
        pass


class FakeGPU:
    """`torch.cuda` for `cuda_graph_step`."""

    CUDAGraph = Graph
    Stream = Stream
    current_stream = Stream

    def __init__(self, method):
        self.method = method
        self.graphs = []

    @contextlib.contextmanager
    def stream(self, stream):
        yield

    @contextlib.contextmanager
    def graph(self, graph):
        """Record. A GPU only notes what it would do: so everything is put back after it."""
        assert graph.generators == [self.method.generator]  # or every replay would draw the same
        self.graphs.append(graph)
        state = {name: tensor.clone() for name, tensor in self.method.state().items()}
        random = self.method.generator.get_state()
        with graph.recorder:
            yield
        with torch.no_grad():
            for name, tensor in self.method.state().items():
                tensor.copy_(state[name])
            for network in self.method.networks.values():
                network.normalize(power_iteration=False)
        self.method.generator.set_state(random)


@pytest.mark.parametrize("name, num_frames", [case for case in CASES if case[0] in CAPTURED])
def test_a_replayed_training_is_the_eager_one(name, num_frames, monkeypatch):
    eager = build(name, num_frames, CPU, iterations=5)
    captured = build(name, num_frames, CPU, iterations=5)
    gpu = FakeGPU(captured)
    monkeypatch.setattr("siv_lite.training.cuda_graph.torch.cuda", gpu)
    on_gpu = SimpleNamespace(
        device=torch.device("cuda"), generator=captured.generator, step=captured.step
    )

    stage = -1
    for iteration in range(1, min(eager.iterations, 10) + 1):
        if eager.stage_at(iteration) != stage:
            stage = eager.stage_at(iteration)
            eager.start_stage(stage)
            captured.start_stage(stage)
            step = cuda_graph_step(on_gpu)
        wanted = eager.step()
        found = step()
        for key, loss in wanted.items():
            assert torch.equal(found[key], loss), f"{key} at iteration {iteration}"

    # In every stage three eager steps, then two replays. Of more than two stages two are enough.
    assert [graph.num_replays for graph in gpu.graphs] == [2] * (stage + 1)
    state = captured.state()
    for key, tensor in eager.state().items():
        assert torch.equal(state[key], tensor), key
    assert torch.equal(eager.generator.get_state(), captured.generator.get_state())
