/// What makes a page better where scripts run: a switch of the theme, values under the pointer,
/// series that can be left out, tables that can be sorted. Nothing on a page needs it.
enum ReportScript {
  /// The content-security policy of a page lets this script run and nothing else, so the two go
  /// together: the SHA-256 of `text`, in base64.
  static let checksum = "9I3+rrfRidJ+HKZj5dd6Ooh6I89ZT3AEBvnYxbqZixA="

  static let text = #"""
    (function () {
    "use strict";
    var root = document.documentElement;
    var all = function (what, within) {
      return Array.prototype.slice.call((within || document).querySelectorAll(what));
    };
    var press = function (element, act) {
      element.setAttribute("role", "button");
      element.tabIndex = 0;
      element.addEventListener("click", act);
      element.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
      });
    };

    // The theme: that of the system until one is chosen.
    var system = matchMedia("(prefers-color-scheme: dark)");
    var button = document.createElement("button");
    button.type = "button";
    button.className = "theme";
    var isDark = function () {
      return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    };
    var show = function () { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
    button.addEventListener("click", function () {
      root.dataset.theme = isDark() ? "light" : "dark";
      show();
    });
    system.addEventListener("change", show);
    show();
    document.querySelector("header").prepend(button);

    // Values under the pointer.
    var tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    document.body.append(tip);
    var pointer = null;
    all("svg g > title").forEach(function (title) {
      title.parentNode.dataset.tip = title.textContent;
      title.remove();
    });
    var short = function (value) { return String(Number(value.toPrecision(4))); };
    var points = function (path) {
      if (!path.points) {
        path.points = path.getAttribute("d").slice(1).split("L").map(function (pair) {
          return pair.split(" ").map(Number);
        });
      }
      return path.points;
    };
    var read = function (svg, event) {
      var x = svg.dataset.x.split(" ").map(Number), y = svg.dataset.y.split(" ").map(Number);
      var place = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(svg.getScreenCTM().inverse());
      if (place.x < x[0] - 4 || place.x > x[1] + 4) { return ""; }
      var value = function (axis, at) {
        return axis[2] + (at - axis[0]) / (axis[1] - axis[0]) * (axis[3] - axis[2]);
      };
      var lines = [], at = null;
      all("path[data-name]:not(.gone)", svg).forEach(function (path) {
        var best = points(path).reduce(function (a, b) {
          return Math.abs(b[0] - place.x) < Math.abs(a[0] - place.x) ? b : a;
        });
        if (at === null) { at = best[0]; }
        lines.push(path.dataset.name + ": " + short(value(y, best[1])));
      });
      if (at === null) { return ""; }
      pointer = svg.querySelector("line").cloneNode(false);
      pointer.setAttribute("class", "pointer");
      [["x1", at], ["x2", at], ["y1", y[0]], ["y2", y[1]]].forEach(function (pair) {
        pointer.setAttribute(pair[0], pair[1]);
      });
      svg.append(pointer);
      return "at " + short(value(x, at)) + " s\n" + lines.join("\n");
    };
    var look = function (event) {
      if (pointer) { pointer.remove(); pointer = null; }
      var place = event.target.closest ? event.target : null;
      var marker = place && place.closest("[data-tip]");
      var svg = place && place.closest("svg[data-x]");
      var text = marker ? marker.dataset.tip : svg ? read(svg, event) : "";
      tip.hidden = !text;
      if (!text) { return; }
      tip.textContent = text;
      var left = event.clientX + 14, top = event.clientY + 14;
      left = Math.max(4, Math.min(left, root.clientWidth - tip.offsetWidth - 4));
      if (top + tip.offsetHeight > root.clientHeight) {
        top = event.clientY - tip.offsetHeight - 8;
      }
      tip.style.left = left + "px";
      tip.style.top = top + "px";
    };
    document.addEventListener("pointermove", look);
    document.addEventListener("pointerdown", look);

    // Series that can be left out of their figure.
    all(".legend li[data-series]").forEach(function (entry) {
      entry.setAttribute("aria-pressed", "true");
      press(entry, function () {
        var isOn = entry.getAttribute("aria-pressed") === "true";
        entry.setAttribute("aria-pressed", String(!isOn));
        all("figure > svg ." + entry.dataset.series, entry.closest("figure").parentNode)
          .forEach(function (shape) {
            if (shape.closest("figure") === entry.closest("figure")) {
              shape.classList.toggle("gone", isOn);
            }
          });
      });
    });

    // Tables that are sorted by a click on a column's head: by number where there is one.
    var key = function (row, column) {
      var text = row.cells[column] ? row.cells[column].textContent.trim() : "";
      var plain = text.replace(/[\s\u202f]/g, "").replace("\u2212", "-");
      var power = /^\(([-+.0-9]+).*\)e([-+0-9]+)/.exec(plain);
      var number = power ? Number(power[1] + "e" + power[2])
        : /^[-+]?[.0-9]/.test(plain) ? parseFloat(plain) : NaN;
      return { number: number, text: text };
    };
    all("table").forEach(function (table) {
      var body = table.tBodies[0];
      if (!table.tHead || !body || body.rows.length < 2) { return; }
      all("th", table.tHead).forEach(function (head, column) {
        press(head, function () {
          var isUp = head.getAttribute("aria-sort") === "ascending";
          all("th", table.tHead).forEach(function (other) { other.removeAttribute("aria-sort"); });
          head.setAttribute("aria-sort", isUp ? "descending" : "ascending");
          var rows = Array.prototype.map.call(body.rows, function (row, place) {
            return { row: row, key: key(row, column), place: place };
          });
          rows.sort(function (a, b) {
            var known = Number(isNaN(a.key.number)) - Number(isNaN(b.key.number));
            var order = known ? known : isNaN(a.key.number)
              ? (a.key.text < b.key.text ? -1 : a.key.text > b.key.text ? 1 : 0)
              : a.key.number - b.key.number;
            return (known || !isUp ? order : -order) || a.place - b.place;
          });
          rows.forEach(function (entry) { body.append(entry.row); });
        });
      });
    });
    }());

    """#
}
