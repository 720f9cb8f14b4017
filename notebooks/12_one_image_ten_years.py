# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 12: one image, ten years
#
# **Goal:** see on one page what ten years of learning from a single image have brought, what each
# idea cost, what none of them can do; and test whether the table shows a trend at all.

# %%
from siv_lite.figures import show_map

show_map("image", "samples", "methods", "metrics")

# %% [markdown]
# You know all parts by now. Today we step back and put them in order of time.
#
# **You need:** lessons 2, 5, 8, 9 and 11, or the patience to believe a table.
#
# **Time:** 10 seconds of computing on two cores; 30 minutes of reading and exercises.
#
# **Words used below.** *Texture synthesis* makes more of a material: it keeps what is seen through
# a small window, and nothing else. A *rank* is the place in an order. A *rank correlation* says how
# far two orders agree: 1 if they are the same, -1 if one is the other reversed. A *permutation
# test* asks how often a random order would look as good.

# %% tags=["parameters"]
source: str = "../data_samples/comparison"  # a comparison: its table, and a sheet for each method
picture: str = "balloons.png"  # what its methods learned from, in the folder above
preset: str = "lesson"  # smoke draws smaller images
out: str = "../runs/lesson_12"  # for the run that draws textures

# %% tags=["nbval-ignore-output"]
from itertools import permutations
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt
import torch

from siv_lite import read_frames, render, train
from siv_lite.comparison import RENDERED, read_table
from siv_lite.exercises import (
    check_chance_of_a_story,
    check_count_orders,
    check_find_best_of_three,
)
from siv_lite.figures import plot_lines, show_images, show_table
from siv_lite.frames import resize_frames, to_uint8
from siv_lite.lesson_checks import check

# %% tags=["nbval-ignore-output"]
frames = read_frames(Path(source).parent / picture)
result = read_table(Path(source) / "table.csv")
scene = resize_frames(frames, 64 if preset == "smoke" else 128)
show_images(scene, "one image", scale=3)

# %% [markdown]
# ## Predict first
#
# 1. Eight ideas, from 2016 to today, all shown this one image. **Which of them draw a balloon where
#    none has been, and whole?**
# 2. Take any column of the table in lesson 9, say the sliced Wasserstein distance. **Does it become
#    better from year to year?**
# 3. Which of the eight **knows that a balloon is a thing**?
#
# ## Ten years on one page
#
# What stands under each year is what this package's version of the idea draws of our image: the
# first sample of the first seed. Those that are trained had 300 seconds of one core (lesson 9).
#
# *Texture synthesis* (Gatys, Ecker and Bethge 2015) matches the statistics of a large network that
# was trained on millions of photographs. We have no such network here. What it keeps and what it
# loses is shown by a stand-in: patch diffusion with windows of 7 pixels, and no knowledge of which
# height a patch comes from.

# %% tags=["nbval-ignore-output"]
IDEAS = [
    ("2015", "textures", None),
    ("2019", "SinGAN", "singan"),
    ("2020", "HP-VAE-GAN", "hp_vae_gan"),
    ("2021", "ConSinGAN", "consingan"),
    ("2021", "FastGAN", "fastgan"),
    ("2021", "SIV-GAN", "siv_gan"),
    ("2022", "GPDM", "gpdm"),
    ("2026", "patch diffusion", "patch_diffusion"),
]


def read_images(name: str) -> torch.Tensor:
    """The 16 measured images (16, 3, h, w) of a method's first seed, from its sheet."""
    image = read_frames(Path(source) / f"{name}.png")[0]  # (3, 4h, 4w): four rows of four
    height = image.shape[1] // 4
    width = image.shape[2] // 4
    tiles = image.unfold(1, height, height).unfold(2, width, width)  # (3, 4, 4, h, w)
    return tiles.permute(1, 2, 0, 3, 4).flatten(0, 1)


# %% tags=["nbval-ignore-output"]
small = resize_frames(frames, 64)
texture = train(
    "patch_diffusion", small, Path(out, "texture"), image_size=64, patch_size=7, height_sigma=10.0
)
images = {}
for _, idea, row in IDEAS:
    images[idea] = texture.sample(1, seed=1) if row is None else read_images(row)


# %% tags=["nbval-ignore-output"]
def draw_years(pictures: dict[str, torch.Tensor]) -> None:
    """One image of each idea, in two rows, under its year."""
    aspect = scene.shape[2] / scene.shape[3]
    columns = len(IDEAS) // 2
    with plt.rc_context({"font.size": 12}):
        figure = plt.figure(figsize=(10, 2 * (2.5 * aspect + 0.5)), layout="constrained")
        panels = figure.subplots(2, columns).flat
        for axes, (year, idea, _) in zip(panels, IDEAS, strict=True):
            axes.imshow(to_uint8(pictures[idea][:1])[0], interpolation="bicubic")
            axes.set_title(f"{year}  {idea}")
            axes.axis("off")
        plt.show()


draw_years(images)

# %% [markdown]
# Eight answers to one question, and none is like another. Now take away what hides the difference
# that we care about, how sharp each is. All are rendered with the patches of the same photograph;
# what remains is *what stands where*.

# %% tags=["nbval-ignore-output"]
rendered = {}
for idea, drawn in images.items():
    rendered[idea] = render(drawn[:1], scene, seed=1)
draw_years(rendered)

# %% [markdown]
# **Answer 1.** SIV-GAN's balloons stand where none have been, and are whole. Texture synthesis has
# whole ones, too, and a meadow that stands upright. FastGAN's are whole because they are where they
# were. Patch diffusion moves whole groups. In all others leaves grow on balloons: where a method
# was unsure whether a place is balloon or meadow, the renderer has to decide. (One image of each is
# no proof; lesson 9 has six.)
#
# ## One table
#
# All numbers are this package's own, of one image, on two cores, with 300 seconds for whoever
# trains: small budgets, in which big machines are not at their best. As drawn and rendered; low is
# near the picture in `distance`, the mean of the three sliced Wasserstein distances; `arrangement`
# is one minus the correlation of two samples; `copy distance` is how far the nearest piece of the
# picture is.


# %%
def summarize(row: str) -> dict[str, float]:
    """Means over the seeds of a row."""
    distances = [mean(result.values(row, f"sliced_wasserstein_{scale}")) for scale in (1, 2, 3)]
    return {
        "distance": mean(distances),
        "arrangement": mean(result.values(row, "arrangement_diversity")),
        "copy distance": mean(result.values(row, "copy_distance")),
    }


high = {"arrangement", "copy distance"}
methods = [row for _, _, row in IDEAS if row]
show_table({row: summarize(row) for row in methods}, high)
show_table({row + RENDERED: summarize(row + RENDERED) for row in methods}, high)

# %% [markdown]
# And what no number says: what was new, what it costs, and what it still cannot do.
#
# - **Texture synthesis.** New: a picture as a bag of local statistics. Costs: a pretrained
#   network, and minutes for a picture. Cannot: arrange; a sky of grass is as good to it as any.
# - **SinGAN.** New: one image is a data set of patches at many sizes. Costs: a training for each
#   image, then milliseconds. Cannot: keep a large thing whole, since each size decides anew.
# - **HP-VAE-GAN.** New: the coarse sizes by reconstruction, so that nothing is forgotten; and
#   clips. Costs: more networks, and more weights to balance. Cannot: say where a thing may stand.
# - **ConSinGAN.** New: several sizes trained together, so far fewer steps. Costs: as SinGAN, but
#   less of it. Cannot: do more than SinGAN can.
# - **FastGAN.** New: a judge that must restore what it saw. Costs: a training, as any GAN.
#   Cannot: be anything but a copy, if one image is all it gets.
# - **SIV-GAN.** New: content and layout judged apart; variety asked for. Costs: a training; you
#   get latents to walk in. Cannot: draw sharp detail in minutes, hence the rendering.
# - **GPDM.** New: no network; pixels are moved until patches are distributed as in the image.
#   Costs: seconds for *each* picture. Cannot: remember anything from one picture to the next.
# - **Patch diffusion.** New: the best possible denoiser of patches, in closed form. Costs: memory
#   that grows with the image. Cannot: arrange anew; it cuts out and shifts.
#
# ## Is there a trend?
#
# Put the methods in order of their years and of a column, and ask whether the two orders agree.
# Spearman's rank correlation: for n methods without ties,
#
# $$\rho = 1 - \frac{6 \sum_i d_i^2}{n (n^2 - 1)},$$
#
# where d is the difference of a method's two ranks. By hand for three methods of the years 1, 2, 3
# with the ranks 1, 3, 2: the differences are 0, -1, 1, their squares sum to 2, and rho is 1 - 12 /
# 24 = 0.5.


# %%
def rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman's rho of two lists without ties."""
    ranks_a = torch.tensor(a).argsort().argsort()
    ranks_b = torch.tensor(b).argsort().argsort()
    squares = (ranks_a - ranks_b).square().sum().item()
    n = len(a)
    return 1 - 6 * squares / (n * (n**2 - 1))


check(rank_correlation([1, 2, 3], [1, 3, 2]), 0.5, "by hand it is 1 - 12 / 24")

# %% [markdown]
# Three of our methods share the year 2021; we keep them in the order of the list. How large must
# rho be to mean something? With seven methods there are 7! = 5,040 orders. If years meant nothing,
# each would be equally likely. So we count in how many of them rho is at least as far from 0.

# %%
n = len(methods)
squares = n * (n**2 - 1) / 6
years = list(range(n))
by_luck = []
for order in permutations(years):
    total = sum((i - j) ** 2 for i, j in enumerate(order))
    by_luck.append(abs(1 - total / squares))


def chance_of(rho: float) -> float:
    """The share of all orders whose rho is at least as far from 0."""
    return mean(other >= abs(rho) - 1e-9 for other in by_luck)


for suffix in ("", RENDERED):
    for column in ("distance", "arrangement", "copy distance"):
        values = [summarize(row + suffix)[column] for row in methods]
        rho = rank_correlation(years, values)
        label = f"{column}{suffix or ' as drawn'}"
        print(f"{label:<24} rho {rho:+.2f}, by luck as far from 0 in {chance_of(rho):.0%}")

# %% [markdown]
# **Answer 2: in one column of six, perhaps.** Rendered, the distance falls with the years: rho is
# -0.86, and luck is as far from 0 in 2 % of all orders. In the five other columns the years mean
# nothing that could be told from luck. Two things should make you careful. We looked at six columns
# and not at one. And the ends decide: the oldest method is the farthest away, and the newest copies
# large pieces, which the distance likes.
#
# ## Broken on purpose: choose the column afterwards
#
# Somebody wants a story: "single-image models get better every year". They compute rho for many
# columns and show the best one, with its chance. Each chance is right, and the story is not. Below:
# tables of pure noise. For each we look at 1, 2, 4, ... columns and count how often at least one of
# them "proves" a trend, with a chance of at most 5 %.

# %%
threshold = min(value for value in set(by_luck) if chance_of(value) <= 0.05)
generator = torch.Generator().manual_seed(0)
noise = torch.rand(2000, 16, n, generator=generator)  # tables, columns, methods
ranks = noise.argsort(dim=2)
differences = ranks - torch.arange(n)
rhos = 1 - differences.square().sum(2) / squares  # (2000, 16)
is_proof = rhos.abs() >= threshold - 1e-6

counts = [1, 2, 4, 8, 16]
shares = [is_proof[:, :count].any(1).float().mean().item() for count in counts]
plot_lines({"tables of noise": shares}, x=counts, xlabel="columns", ylabel="share with a 'trend'")

# %% [markdown]
# With one column 1 noise table in 20 shows a trend, as it should be. With 16 columns every second
# one does. Lesson 9's table has a dozen columns. So decide on the column before you look, or say
# how many you looked at.
#
# ## What is still missing
#
# **Answer 3: none.** Not one of the eight knows that a balloon is a thing. They know windows: small
# ones, large ones, windows of windows. A balloon comes out whole where the window is as large as
# the balloon, or where a judge of layout has seen that stripes end in a basket. That is why leaves
# grow on balloons where a method was unsure, and why no method puts a balloon *behind* a hill.
#
# - **Things.** A single image does not say what can move. A mask drawn by hand, or a segmentation
#   network trained elsewhere, would say it (One-Shot Synthesis of Images and Masks, Sushko et al.
#   2023, learns image and mask together).
# - **Knowledge from outside.** Models trained on billions of images know what balloons are. They
#   need no single-image training, but neither do they know *this* scene. Between the two, by
#   fine-tuning on one image, lies a part of today's research that this course has left out.
# - **A measure.** Every number of the last lessons compares windows, too. A method that understood
#   the scene would not be rewarded for it by any of them. The best judge in this notebook is you.
# - **One image of what?** All claims here are about one rendered scene. Lesson 9 showed how to ask
#   for more: `compare_methods` and your own photographs.
#
# ## Exercises
#
# Replace each `...` and run the cell below it: it says whether you are right, or gives a hint.
#
# **1.** Return the ideas that are not dominated, given (distance, arrangement, cost) of each: low
# distance, high arrangement and low cost are good. One dominates another if it is at least as good
# in all three and better in one.


# %%
def find_best(points: dict[str, tuple[float, float, float]]) -> set[str]:
    """The names that no other dominates."""
    ...


# %%
check_find_best_of_three(find_best)

# %% [markdown]
# **2.** How many of the 5,040 orders of seven methods have |rho| of at least `limit`? Use what
# stands above. The answer for 0.7 may surprise you.


# %%
def count_orders(limit: float) -> int:
    """The number of orders of seven methods whose rho is at least `limit` away from 0."""
    ...


# %%
check_count_orders(count_orders)

# %% [markdown]
# **3.** Somebody looked at `columns` independent columns of noise. How likely is at least one
# "trend", if each shows one with a chance of `level`?


# %%
def chance_of_a_story(columns: int, level: float) -> float:
    """The chance that at least one of the columns shows a trend by luck."""
    ...


# %%
check_chance_of_a_story(chance_of_a_story)

# %% [markdown]
# The solutions are in `solutions/12_one_image_ten_years.ipynb`.
#
# ## Quiz
#
# **1.** Texture synthesis, SinGAN and patch diffusion all compare windows of an image. What did
# SinGAN add to the first?
#
# - a) A larger window.
# - b) Windows at many sizes, the coarse ones first.
# - c) A prior on colors.
#
# <details><summary>Answer</summary>b) Coarse windows arrange, fine ones draw.</details>
#
# **2.** Patch diffusion needs no training and has the smallest distance. Why would you still train
# SIV-GAN?
#
# - a) For sharper pictures.
# - b) For milliseconds, latents to walk in, and arrangements that are not cut out.
# - c) For a smaller distance.
#
# <details><summary>Answer</summary>b) Lesson 11 measured it.</details>
#
# **3.** In a table of seven methods and one column, rho with the year is 0.7. What can you write?
#
# - a) Progress.
# - b) By luck alone it is as far from 0 in about one of ten tables.
# - c) Nothing at all, seven is too few for any statement.
#
# <details><summary>Answer</summary>b) Exercise 2 counts it.</details>
#
# **4.** Which of the eight puts a balloon behind a hill?
#
# - a) SIV-GAN, by its layout branch.
# - b) Patch diffusion, by its height prior.
# - c) None: no hill of the image hides a balloon, and windows only repeat what is in the image.
#
# <details><summary>Answer</summary>c)</details>

# %% [markdown]
# ## Where we differ
#
# | | the papers | here |
# |---|---|---|
# | texture synthesis | statistics of VGG's features | patches of 7 x 7 pixels |
# | budget | hours on a GPU each | 300 seconds of one core |
# | size | some hundred pixels | 48 x 64, then rendered |
# | rendering | none of the papers | every method's samples, with the same patches |
#
# ## Next
#
# There is no next lesson. Take a photograph of your own (lesson 10), decide on your columns before
# you look, and run `compare_methods` overnight. If you find that this table is wrong, you have
# understood the course.
