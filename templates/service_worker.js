{% load static %}// Only one duty: when a page can't be had, show the one that says so. Nothing else is kept.
const STORE = "cts-offline-1";
const KEPT = ["{% url 'offline' %}", "{% static 'css/base.css' %}", "{% static 'css/shell.css' %}", "{% static 'css/components.css' %}", "{% static 'css/pages.css' %}", "{% static 'js/theme.js' %}", "{% static 'img/favicon.svg' %}"];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(KEPT)));
});

self.addEventListener("fetch", (event) => {
  const isPage = event.request.mode === "navigate";
  if (!isPage && !KEPT.includes(new URL(event.request.url).pathname)) return;
  const kept = () => caches.match(isPage ? KEPT[0] : event.request).then((found) => found ?? Response.error());
  event.respondWith(fetch(event.request).catch(kept));
});
