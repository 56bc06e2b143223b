"""Articles from files: a folder, a zip or single files of Markdown, HTML, DOCX, PDF and plain text.

Importing again changes only what changed: an article is found again by its id, or by its path inside the folder. One
bad file never stops the rest. Links between the files become links between the articles.
"""

from kb.importing.folders import Archive, Directory, Failure, Unreadable, articles, open_folder, packed
from kb.importing.planning import exported_path
from kb.importing.reading import front_matter, titled
from kb.importing.shelves import Options
from kb.importing.whole import Report, import_folder, import_path

__all__ = [
    "Archive",
    "Directory",
    "Failure",
    "Options",
    "Report",
    "Unreadable",
    "articles",
    "exported_path",
    "front_matter",
    "import_folder",
    "import_path",
    "open_folder",
    "packed",
    "titled",
]
