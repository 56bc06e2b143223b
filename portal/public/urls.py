"""Addresses of the reader's pages."""

from django.urls import path

from portal.public import articles, machines, views

urlpatterns = [
    path("", views.home, name="home"),
    path("collections/", views.collections, name="collections"),
    path("collections/<slug:slug>/", views.collection, name="collection"),
    path("articles/<slug:slug>/", articles.article, name="article"),
    path("articles/<slug:slug>/feedback/", articles.feedback, name="article_feedback"),
    path("search/", views.search, name="search"),
    path("health/", machines.health, name="health"),
    path("robots.txt", machines.robots, name="robots"),
    path("sitemap.xml", machines.sitemap, name="sitemap"),
]
