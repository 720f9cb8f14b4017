"""Widgets for a notebook or a page: explore what a run draws, and see what its discriminator sees. All controls work
from the keyboard; what goes wrong is said in one sentence."""

import html
import io
import math
import os
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from traitlets import Unicode

from siv_lite.errors import SivLiteError
from siv_lite.frames import contact_sheet, image_grid, save_animation, save_image, to_uint8
from siv_lite.run import Run, open_run

HEIGHT, STEPS = 384, 24  # screen pixels of a picture; steps of a walk that is saved
Seed = partial(widgets.BoundedIntText, description="Seed", max=2**31 - 1)


def explore(*folders: str | Path) -> widgets.DOMWidget:
    """A latent explorer of the runs, of any method, in and below `folders`: two seeds and the walk between them,
    temperature, stages and size where there are any, favourites, and pictures saved in the run's `exports`."""
    return Chooser(folders, Explorer)


def microscope(*folders: str | Path) -> widgets.DOMWidget:
    """What every block of SIV-GAN's discriminator decides about a picture, a part of which can be moved and recoloured,
    for the runs of siv_gan in and below `folders`."""
    return Chooser(folders, Microscope)


class Picture(widgets.Image):
    """A picture with a text for those who cannot see it, enlarged by the browser to `height` with sharp pixels."""

    description = Unicode().tag(sync=True)  # the front end fails on the tooltip of a widget without one

    def __init__(self, text: str, height: int | None = HEIGHT, **traits: Any):
        layout = {"align_self": "flex-start", "max_width": "100%", "height": height and f"{height}px", "width": "auto"}
        super().__init__(tooltip=text, layout=layout, **traits)
        self.add_class("siv-lite-picture")


def encode(images: Tensor | Image.Image) -> bytes:
    """A picture as PNG, several (n, 3, H, W) as GIF."""
    first, *rest = [Image.fromarray(x) for x in to_uint8(images)] if isinstance(images, Tensor) else [images]
    data, several = io.BytesIO(), {"save_all": True, "append_images": rest, "duration": 80, "loop": 0}
    first.save(data, "GIF" if rest else "PNG", **(several if rest else {"compress_level": 3}))  # 6 takes twice as long
    return data.getvalue()


class Panel(widgets.Box):
    """Controls, whose every change calls `draw`; buttons with their hints and actions; a message; what they change."""

    flow = "row wrap"

    def __init__(self, controls: dict[str, Any], actions: dict[str, tuple[str, Callable]], *others: widgets.DOMWidget):
        self.controls, self.message, self.buttons = controls, widgets.HTML(), {}
        for label, (hint, action) in actions.items():
            self.buttons[label] = widgets.Button(description=label, tooltip=hint, layout={"width": "auto"})
            self.buttons[label].on_click(lambda _, label=label, action=action: self.attempt(label, action))
        for control in controls.values():
            control.style.description_width = "90px"
            control.observe(lambda change: self.attempt("Drawing", self.draw), "value")
        rows = [*controls.values(), widgets.HBox([*self.buttons.values()]), self.message]
        super().__init__([widgets.VBox(rows, layout={"width": "340px"}), *others], layout={"flex_flow": self.flow})
        self.attempt("Drawing", self.draw)

    def attempt(self, task: str, action: Callable[[], str | None]) -> None:
        """Do `action`; show as the message what it returns, or in one sentence why it failed."""
        try:
            text = action() or ""
        except SivLiteError as error:
            text = str(error)
        except Exception as error:  # whoever looks at a page cannot use a traceback
            text = f"{task} failed: {type(error).__name__}: {error}".partition("\n")[0]
        self.message.value = f"<span role='status'>{html.escape(text)}</span>"

    def draw(self) -> str | None:
        """Show what the controls ask for; the same values always show the same."""

    def values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}


class Chooser(Panel):
    """A list of the runs in and below `folders`; `view` is what `kind` makes of the one chosen."""

    flow = "column"

    def __init__(self, folders: tuple[str | Path, ...], kind: type[Panel]):
        self.roots, self.kind, self.place = [Path(folder).resolve() for folder in folders], kind, widgets.VBox()
        style = widgets.HTML("<style>.siv-lite-picture {image-rendering: pixelated}</style>")
        runs = widgets.Dropdown(description="Run", options=self.find(), layout={"width": "auto"})  # the names are long
        super().__init__({"run": runs}, {"List again": ("Look for new runs", self.list_again)}, style, self.place)

    def find(self) -> list[tuple[str, Path]]:
        found = {path.parent for root in self.roots for path in root.rglob("checkpoint-*.json")}
        base = os.path.commonpath([root.parent for root in self.roots])
        return [(os.path.relpath(path, base), path) for path in sorted(found)]

    def list_again(self) -> str:
        self.controls["run"].options = self.find()  # and takes the first
        return self.draw()

    def draw(self) -> str:
        return self.show(self.controls["run"].value)

    def show(self, folder: Path | None) -> str:
        """Show another run. SivLiteError if it, or anything in it, lies outside of the folders."""
        self.view, self.place.children, inside = None, (), " and ".join(map(str, self.roots))
        if folder is None:
            raise SivLiteError(f"There is no run in {inside} yet; train one first")
        for path in (folder, *folder.glob("*")):  # where links lead
            if not any(path.resolve().is_relative_to(root) for root in self.roots):
                raise SivLiteError(f"{path} lies outside of {inside}; choose a run in there")
        self.view = self.kind(run := open_run(folder))
        self.place.children = (self.view,)
        return repr(run)


class Explorer(Panel):
    """Pictures or videos of a run, from latents."""

    def __init__(self, run: Run):
        self.run, method, slider = run, run.method, widgets.FloatSlider
        controls = {"seed": Seed(), "second": Seed(description="Second seed", value=1000)}
        controls["walk"] = slider(description="Walk", max=1, step=0.01)
        controls["temperature"] = slider(description="Temperature", value=1, max=2, step=0.05)
        if method.stages > 1:
            for name, value in {"stage": method.stages - 1, "start": 0}.items():
                controls[name] = widgets.IntSlider(description=name.title(), value=value, max=method.stages - 1)
        if method.resizable:
            for name, side in zip(("height", "width"), method.size, strict=True):
                controls[name] = widgets.BoundedIntText(description=name.title(), min=16, max=1024, value=side)
        self.latents = lru_cache(8)(lambda seed, **size: method.draw_latents(1, seed, **size))
        self.encoded = lru_cache(64)(lambda *items: encode(self.images(dict(items))))
        self.picture = Picture("The picture of these settings", format="gif" if method.length > 1 else "png")
        self.kept = widgets.HBox(layout={"flex_flow": "row wrap"})
        actions = {"Re-sample": ("Take the next seed", self.resample), "Keep": ("Keep the picture", self.keep)}
        actions |= {"Save PNG": ("Save the picture", self.save_png), "Save GIF": ("Save the walk", self.save_gif)}
        super().__init__(controls, actions, self.picture, self.kept)

    def images(self, values: dict[str, Any]) -> Tensor:
        """An image (1, 3, H, W), or the T of a video."""
        size, options = (values.get("height"), values.get("width")), {}
        if self.run.method.resizable and size != tuple(self.run.method.size):
            options["size"] = size
        first, second = (self.latents(values[name], **options) for name in ("seed", "second"))
        if "stage" in values:
            options |= {"stage": values["stage"], "start": min(values["start"], values["stage"])}
        angle = values["walk"] * math.pi / 2  # half way, too, latents are N(0, 1), as in `Run.walk`
        latents = values["temperature"] * (math.cos(angle) * first + math.sin(angle) * second)
        return self.run.generate(latents, **options).flatten(0, -4)

    def draw(self) -> None:
        self.picture.value = self.encoded(*self.values().items())

    def resample(self) -> None:
        self.controls["seed"].value += 1

    def keep(self) -> None:
        kept = Picture(self.name(), HEIGHT // 2, value=self.picture.value, format=self.picture.format)
        box = Panel({}, {"Drop": (f"Drop {self.name()}", lambda: self.drop(box))}, kept)
        box.message.value = self.name()
        self.kept.children = (*self.kept.children, box)

    def drop(self, box: Panel) -> None:
        self.kept.children = tuple(kept for kept in self.kept.children if kept is not box)

    def save_png(self) -> str:
        path, images = self.run.folder / "exports" / f"{self.name()}.png", self.images(self.values())
        save_image(image_grid(images, padding=0), path)
        return f"Saved {path}"

    def save_gif(self) -> str:
        """Save a video, or of images the walk there and back."""
        path, images = self.run.folder / "exports" / f"{self.name()}.gif", self.images(self.values())
        if len(images) == 1:
            there = [self.images({**self.values(), "walk": step / STEPS}) for step in range(STEPS + 1)]
            images = torch.cat(there + there[-2:0:-1])
        save_animation(images, path)
        return f"Saved {path}"

    def name(self) -> str:
        return " ".join(f"{name}={value:g}" for name, value in self.values().items())


def edit_region(picture: Tensor, rows: tuple, columns: tuple, down: int, right: int, hue: float) -> Tensor:
    """Turn the hue of a rectangle of a picture (3, H, W) in [-1, 1] by `hue` degrees and move it (down, right), as far
    as the border. The pixels that it covers fill the place that it leaves, so that moving changes places only."""
    (top, bottom), (left, end), (height, width) = rows, columns, picture.shape[1:]
    down, right = max(-top, min(down, height - bottom)), max(-left, min(right, width - end))
    source, target = torch.zeros((2, height, width), dtype=torch.bool)
    source[top:bottom, left:end] = True
    target[top + down : bottom + down, left + right : end + right] = True
    across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = torch.matrix_exp(math.radians(hue) * across)  # a rotation about the axis of greys
    edited = picture.clone()
    edited[:, target] = (turn @ picture[:, source]).clamp(-1, 1)
    edited[:, source & ~target] = picture[:, target & ~source]
    return edited


class Microscope(Panel):
    """The decisions of SIV-GAN's discriminator, a map for each block of each part, on an edited picture."""

    def __init__(self, run: Run):
        if run.config["method"] != "siv_gan":
            raise SivLiteError(f"{run.folder} is a run of {run.config['method']}; the microscope is for siv_gan's")
        self.run, self.picture = run, Picture("The edited picture")
        self.maps = Picture("What each block of each part decides, place by place", None)
        controls = {"source": widgets.Dropdown(description="Picture", options=("training frame", "sample"))}
        controls["number"] = Seed(description="Frame, seed")
        for name, side in zip(("rows", "columns"), run.method.size, strict=True):
            controls[name] = widgets.IntRangeSlider(description=name.title(), max=side, value=(side // 4, side // 2))
        for name, side in (*zip(("down", "right"), run.method.size, strict=True), ("hue", 180)):
            controls[name] = widgets.IntSlider(description=f"Change {name}", min=-side, max=side)
        super().__init__(controls, {"Undo": ("Show the picture without edits", self.undo)}, self.picture, self.maps)

    def undo(self) -> str:
        for name in ("down", "right", "hue"):
            self.controls[name].value = 0
        return self.draw()

    @torch.no_grad()
    def decide(self, picture: Tensor) -> dict[str, list[Tensor]]:
        """For each part, how real each block finds each place of a picture (3, H, W): maps (1, 1, h, w) in [0, 1]."""
        method = self.run.method
        decisions = method.D(method.halve(picture[None].to(method.count.device)))
        return {part: [x.sigmoid().cpu() for x in maps] for part, maps in decisions.items()}

    def draw(self) -> str:
        """Show the edited picture and the maps; return what the maps mean."""
        source, number, *edits = self.values().values()
        real, rows = self.run.method.real[0], {}
        picture = self.run.sample(1, number)[0] if source == "sample" else real[number % len(real)].cpu()
        edited = edit_region(picture, *edits)
        before, after = self.decide(picture), self.decide(edited)
        for part, maps in after.items():
            change = sum((new - old).abs().mean() for new, old in zip(maps, before[part], strict=True)) / len(maps)
            x = torch.cat([F.interpolate(new, picture.shape[1:]) for new in maps])
            heat = torch.cat([2 * x, 2 * torch.minimum(x, 1 - x), 2 - 2 * x], dim=1).clamp(max=1) * 2 - 1
            means = ", ".join(f"{new.mean():.2f}" for new in maps)
            rows[f"{part}: {means}; changed by {change:.3f}"] = F.pad(heat, [1] * 4, value=-1)
        self.picture.value, self.maps.value = encode(edited[None]), encode(contact_sheet(rows, scale=2))
        return f"Blue: fake, red: real. Means of the blocks, and of the change by the edits: {'. '.join(rows)}."
