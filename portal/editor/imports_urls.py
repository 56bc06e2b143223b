"""Addresses of import and export."""

from django.urls import path

from portal.editor import exports, imports

urlpatterns = [
    path("import/", imports.index, name="editor_import"),
    path("import/<int:pk>/", imports.show, name="editor_import_run"),
    path("import/<int:pk>/begin/", imports.begin, name="editor_import_begin"),
    path("import/<int:pk>/cancel/", imports.cancel, name="editor_import_cancel"),
    path("import/<int:pk>/files/<int:file>/", imports.file, name="editor_import_file"),
    path("export/", exports.index, name="editor_export"),
    path("export/articles.zip", exports.download, name="editor_export_zip"),
]
