"""One picture of the figures: how long each system takes, as multiples of rbbackup's time."""
import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  the backend is chosen first

matplotlib.rcParams["svg.hashsalt"] = "rbbackup"  # the same figures give the same file
OPERATIONS = {"first": "first backup", "unchanged": "nothing changed", "restore": "restore"}
CORPORA = {"source": "source tree", "tiny": "300,000 tiny files", "image": "4 GiB image", "random": "2 GiB random"}
SYSTEMS = {"rbbackup": "#1b7f5c", "limit": "#9a9a9a", "rsync": "#d9a441", "restic": "#c8553d", "borg": "#5b5f97"}
LABELS = {"limit": "the machine (tar, find)"}


def draw(results, path):
    figure, axes = pyplot.subplots(1, len(OPERATIONS), figsize=(12, 4.2), sharey=True)
    for axis, (operation, title) in zip(axes, OPERATIONS.items()):
        for index, (system, colour) in enumerate(SYSTEMS.items()):
            places, values = [], []
            for at, corpus in enumerate(CORPORA):
                ours, theirs = (results.median(corpus, operation, name) for name in ("rbbackup", system))
                if ours and theirs:
                    places.append(at + (index - 2) * 0.16)
                    values.append(theirs / ours)
            axis.bar(places, values, 0.15, color=colour, label=LABELS.get(system, system))
        axis.set_yscale("log")
        axis.set_ylim(bottom=0.3)
        axis.yaxis.set_major_formatter("{x:g}")
        axis.axhline(1, color="#1b7f5c", linewidth=0.8)
        axis.set_xticks(range(len(CORPORA)), CORPORA.values(), rotation=15, fontsize=8)
        axis.set_title(title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("times as long as rbbackup")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=len(SYSTEMS), frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
