"""Addresses of the reader's pages."""

from django.urls import path

from portal.public import articles, images, machines, views

urlpatterns = [
    path("", views.home, name="home"),
    path("collections/", views.collections, name="collections"),
    path("collections/<slug:slug>/", views.collection, name="collection"),
    path("articles/<slug:slug>/", articles.article, name="article"),
    path("articles/<slug:slug>/feedback/", articles.feedback, name="article_feedback"),
    path("images/<str:digest>/<str:name>", images.image, name="image"),
    path("search/", views.search, name="search"),
    path("health/", machines.health, name="health"),
    path("robots.txt", machines.robots, name="robots"),
    path("sitemap.xml", machines.sitemap, name="sitemap"),
]
