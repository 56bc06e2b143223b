"""Images of articles: their bytes, who brought them, and which versions show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from kb.models.articles import Article, ArticleVersion
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, user: Reader) -> Self:
        """Shown by a published version this reader may see; for editors also by any version of their articles, or
        brought by themselves."""
        uses = ImageUse.objects.filter(image=OuterRef("pk"))
        shown = Exists(uses.filter(version__published_in__in=Article.objects.visible_to(user)))
        edited = Exists(uses.filter(version__article__in=Article.objects.editable_by(user)))
        brought = Exists(ImageUpload.objects.filter(image=OuterRef("pk"), by=user.pk)) if user.pk else Q(pk__in=[])
        return self.filter(Q(shown) | Q(edited) | Q(brought))

    def unused(self) -> Self:
        """Those no version of any article shows."""
        return self.filter(~Exists(ImageUse.objects.filter(image=OuterRef("pk"))))


class ImageManager(models.Manager["Image"]):
    def get_queryset(self) -> ImageQuerySet:
        return ImageQuerySet(self.model, using=self._db).defer("data")


class Image(models.Model):
    """One image, once, however often it was brought and whatever it was called."""

    digest = models.CharField(max_length=32, unique=True, help_text="The first half of the sha256 of its bytes.")
    name = models.CharField(max_length=100, help_text="With its size and ending, as in its address.")
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Bytes.")
    data = models.BinaryField()
    created = models.DateTimeField(auto_now_add=True)

    objects = ImageManager.from_queryset(ImageQuerySet)()
    uploads: RelatedManager[ImageUpload]
    uses: RelatedManager[ImageUse]

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("image", args=[self.digest, self.name])


class ImageUpload(models.Model):
    """Who brought an image, and when last; nobody in particular for an import by command."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="uploads")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint("image", "by", name="one_upload_a_person", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.image} by {self.by or 'the system'}"


class ImageUse(models.Model):
    """A version that shows an image. Versions never change, and so neither does this."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="uses")
    version = models.ForeignKey(ArticleVersion, models.CASCADE, related_name="image_uses")

    class Meta:
        constraints = [models.UniqueConstraint("image", "version", name="one_use_a_version")]

    def __str__(self) -> str:
        return f"{self.image} in {self.version_id}"
